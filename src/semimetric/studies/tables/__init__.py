"""Tables: from a study's results to Markdown, CSV, LaTeX, HTML and a figure, with published figures beside them.

`write_tables` is the way in; what a study's file may say of its table is `table_spec`. Nothing here runs anything, and
of the rest of `semimetric.studies` nothing is used but `task`.
"""
