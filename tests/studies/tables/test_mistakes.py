"""What can be wrong in the ``table:`` of a study, said before anything is trained; and names that are marks."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from semimetric.studies.tables.table_spec import Published, TableSpec
from semimetric.studies.tables.write_tables import write_tables
from semimetric.studies.task import Result

RIGHT = {
    "file": "safir2022_tables.csv",
    "where": {"table": 1},
    "rows": {"DML": {"model": "dml"}},
    "keys": {"latent_dim": "latent_dim"},
    "metrics": {"knn_accuracy": "accuracy"},
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"where": {"tabel": 1}}, "no column 'tabel': did you mean 'table'"),
        ({"rows": {"DML": {"modle": "dml"}}}, "no column 'modle': did you mean 'model'"),
        ({"keys": {"latent_dims": "latent_dim"}}, "no column 'latent_dims': did you mean 'latent_dim'"),
        ({"metrics": {"knn_accuracy": "accuracies"}}, "no column 'accuracies'"),
        ({"metrics": {"knn_accuracy": {"column": "accuracy", "where": {"prob": 1}}}}, "did you mean 'probe'"),
        ({"file": "safir2022_table.csv"}, "did you mean 'safir2022_tables.csv'"),
        ({"citations": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_name_in_published_is_told_with_the_nearest(wrong, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        Published(**{**RIGHT, **wrong})


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "ragged.csv").write_text("a,b\n1\n")
    with pytest.raises(ValidationError, match="as many cells in each line"):
        Published(**{**RIGHT, "file": str(tmp_path / "ragged.csv")})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"blocks": ["latent_dims"]}, "no key 'latent_dims': did you mean 'latent_dim'"),
        ({"against": "label"}, "no key 'label': did you mean 'labels'"),
        ({"compare": [["dml", "pcaa"]]}, "no row is called 'pcaa': did you mean 'pca'"),
        ({"compare": [["dml", {"row": "dlm"}]]}, "no row is called 'dlm': did you mean 'dml'"),
        ({"compare": [["dml", {"lables": 6}]]}, "no key 'lables': did you mean 'labels'"),
        ({"published": RIGHT}, "no row is called 'DML'"),
    ],
)
def test_rows_and_keys_that_the_study_has_not(spec, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TableSpec(**spec).check(rows=["dml", "vae"], keys=["labels", "latent_dim"])


@pytest.mark.parametrize("key", ["block", "publish", "baseline"])
def test_an_unknown_key_is_refused(key):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TableSpec(**{key: []})


NASTY = [
    "A & B",
    "50 % | of_it",
    "<script>alert(1)</script>",
    r"\input{x} ~^#$ {",
    '"quoted" --> ]]>',
    "$x$ *b* `c` [d](e)",
    "Ωμέγα 漢字 Ząb «þ» [x]",
    "[1] first",
]


@pytest.fixture
def nasty(tmp_path):
    results = [
        Result({"labels": labels, "seed": 0, "row": name}, "failed" if labels == 7 else "done", {"k": 0.5}, 1.0, name)
        for labels in (6, 7, 60)
        for name in NASTY
    ]
    study = SimpleNamespace(
        name="x", title=NASTY[2], description=NASTY[5], metrics=["k"], table=TableSpec(notes=NASTY), budget=NASTY[0]
    )
    write_tables(study, results, tmp_path)
    return tmp_path


def test_html_shows_names_and_runs_nothing(nasty):
    text = (nasty / "table.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<td>A &amp; B</td>" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)


def test_svg_is_well_formed(nasty):
    svg = (nasty / "score-by-labels.svg").read_bytes()
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    assert not [element for element in root.iter() if str(element.tag).endswith("script")]


def test_latex_escapes_what_is_special(nasty):
    text = (nasty / "table.tex").read_text()
    assert r"A \& B" in text
    assert r"50 \% $|$ of\_it" in text
    assert r"$<$script$>$alert(1)$<$/script$>$" in text
    assert r"\textbackslash{}input\{x\} \textasciitilde{}\textasciicircum{}\#\$ \{" in text
    assert "\\input" not in text
    assert text.isascii() or not re.search(r"[^\x00-\u017f]", text)
    bare = re.sub(r"\\[{}\\]", "", text)
    assert bare.count("{") == bare.count("}")


def test_markdown_keeps_its_columns(nasty):
    lines = [line for line in (nasty / "table.md").read_text().splitlines() if line.startswith("|")]
    counts = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert counts == {5}  # four columns
    assert any(r"50 % \| of\_it" in line for line in lines)
    assert any("&lt;script&gt;" in line for line in lines)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on the PATH")
def test_latex_compiles_with_booktabs_alone(nasty):
    document = r"\documentclass{article}\usepackage{booktabs}\begin{document}\input{table.tex}\end{document}"
    (nasty / "page.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=nasty, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (nasty / "page.pdf").stat().st_size > 10_000
