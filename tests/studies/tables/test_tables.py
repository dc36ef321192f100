"""A small set of results, written by hand, in every format: each number can be checked on paper."""

import csv
import io
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from scipy import stats

from semimetric.studies.tables.notes import notes_of
from semimetric.studies.tables.table_spec import TableSpec
from semimetric.studies.tables.tabulate import tabulate
from semimetric.studies.tables.write_tables import write_tables
from semimetric.studies.task import Result

PUBLISHED = """table,model,percent,alpha,accuracy
1,dml,0.01,,0.4
1,ae,0.01,0.5,0.9
1,ae,0.1,0.5,0.95
1,ae,0.1,0.7,0.66
1,ae,10,0.5,0.99
2,dml,0.01,,0.111
"""
DML, AE5, AE9 = {"row": "DML"}, {"row": "AE", "alpha": 0.5}, {"row": "AE", "alpha": 0.9}


def result(labels, row, seed, accuracy, *, pca=None, status="done", error="", **more):
    metrics = {} if status != "done" else {"knn_accuracy": accuracy, **more}
    if pca is not None:
        metrics["pca.knn_accuracy"] = pca
    return Result({"labels": labels, "seed": seed, **row}, status, metrics, 10.0, error)


RESULTS = [
    *(result(6, DML, seed, value, pca=pca) for seed, value, pca in ((0, 0.5, 0.3), (1, 0.6, 0.3), (2, 0.7, 0.36))),
    *(result(6, AE5, seed, value) for seed, value in ((0, 0.8), (1, 0.9))),
    result(6, AE5, 2, None, status="failed", error="Traceback (most recent call last):\nValueError: no labels"),
    *(result(6, AE9, seed, 0.8503) for seed in (0, 1, 2)),
    result(60, DML, 0, 0.7),
    *(result(60, DML, seed, None, status="missing") for seed in (1, 2)),
    *(result(60, AE5, seed, None, status="missing") for seed in (0, 1, 2)),
    *(result(60, AE9, seed, value) for seed, value in ((0, 0.9), (1, None), (2, 0.8))),
]


@pytest.fixture
def study(tmp_path):
    (tmp_path / "theirs.csv").write_text(PUBLISHED)
    spec = TableSpec(
        published={
            "file": str(tmp_path / "theirs.csv"),
            "citation": "Somebody 2022",
            "where": {"table": 1},
            "rows": {"DML": {"model": "dml"}, "AE": {"model": "ae"}},
            "keys": {"alpha": "alpha", "percent": {"key": "labels", "values": {0.01: 6, 0.1: 60, 10: 6000}}},
            "metrics": {"knn_accuracy": "accuracy"},
        },
        compare=[[{"row": "AE", "alpha": 0.9}, "DML"], ["AE", "pca"]],
    )
    return SimpleNamespace(
        name="small", title="Small", description="", metrics=["knn_accuracy"], table=spec, budget="quick"
    )


SCORES = [
    # labels, row, α, seeds, accuracy, published, difference; best in the last place
    ("6", "DML", "", "3", ".600 ± .100", ".400", "+.200", False),
    ("6", "AE", "0.5", "2 (1 failed)", ".850 ± .071", ".900", "−.050", True),
    ("6", "AE", "0.9", "3", ".850 ± .000", "", "", True),
    ("6", "PCA, same d", "", "3", ".320 ± .035", "", "", False),
    ("60", "DML", "", "one seed (2 missing)", ".700", "", "", False),
    ("60", "AE", "0.5", "0 (3 missing)", "missing", ".950", "", False),
    ("60", "AE", "0.9", "3", ".850 ± .071 (1 undefined)", "", "", True),
    ("60", "AE", "0.7", "", "not run", ".660", "", False),
]
LEADERS = [
    ("6", "kNN accuracy", "AE, α = 0.9", "AE, α = 0.5", ".850", ".900", "−.050"),
    ("60", "kNN accuracy", "AE, α = 0.9", "AE, α = 0.5", ".850", ".950", "−.100"),
]
COMPARISONS = [
    # differences .3503, .2503, .1503: mean .2503, sd .1, t = 4.335, p = .0493
    ("6 labels", "AE, α = 0.9", "DML", "3", "+.250", ".100", ".049"),
    ("60 labels", "AE, α = 0.9", "DML", "1", "+.200", "", "none: one pair"),
    ("all blocks", "AE, α = 0.9", "DML", "1", "+.275", "", "none: one pair"),  # seed 0: (.3503 + .2) / 2
    ("6 labels", "AE, α = 0.5", "PCA, same d", "2", "+.550", ".071", "none: fewer than three pairs"),
    ("6 labels", "AE, α = 0.9", "PCA, same d", "3", "+.530", ".035", ".001"),
]


def written(study, folder, name):
    write_tables(study, RESULTS, folder)
    return (folder / name).read_text()


def test_markdown_has_every_number(study, tmp_path):
    text = written(study, tmp_path, "table.md")
    sheets = re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE)
    rows = [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in s.splitlines()] for s in sheets]
    scores, leaders, comparisons = (sheet[2:] for sheet in rows)
    assert rows[0][0] == ["labels", "row", "α", "seeds", "kNN accuracy", "published", "difference"]
    assert [tuple(row) for row in scores] == [
        (*row[:4], f"**{row[4]}**" if row[7] else row[4], *row[5:7]) for row in SCORES
    ]
    assert [tuple(row) for row in leaders] == LEADERS
    assert [tuple(row) for row in comparisons] == COMPARISONS
    assert "Failed: AE, α = 0.5, 6 labels, seed = 2. ValueError: no labels." in text
    assert "Missing: 5 runs not done yet." in text
    assert "at or above the published best in 0 of 2 blocks." in text
    assert "Published, without a block here: AE, α = 0.5, 6,000 labels: kNN accuracy 0.99." in text
    assert "12 runs, 180 core-seconds (3 min) in all; budget: quick." in text


class Tables(HTMLParser):
    """The cells of a page's tables, and which of them are marked."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.best, self._unseen = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        kind = dict(attrs).get("class") or ""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._open = True
            if "best" in kind.split():
                self.best.append((len(self.tables) - 1, len(self.tables[-1]) - 1))
        elif kind == "unseen":
            self._unseen = True

    def handle_endtag(self, tag):
        self._unseen = False
        if tag in ("td", "th"):
            self._open = False

    def handle_data(self, data):
        if getattr(self, "_open", False) and not self._unseen:
            self.tables[-1][-1][-1] += data


def test_html_has_every_number_and_marks_the_best(study, tmp_path):
    page = Tables(written(study, tmp_path, "table.html"))
    scores, leaders, comparisons = (sheet[1:] for sheet in page.tables)
    assert [tuple(row) for row in scores] == [row[:7] for row in SCORES]
    assert [tuple(row) for row in leaders] == LEADERS
    assert [tuple(row) for row in comparisons] == COMPARISONS
    assert page.best == [(0, at + 1) for at, row in enumerate(SCORES) if row[7]]


def test_latex_has_every_number(study, tmp_path):
    text = written(study, tmp_path, "table.tex")
    plain = text.replace("$\\pm$", "±").replace("$-$", "−").replace("$\\alpha$", "α")
    rows = [tuple(line.removesuffix(r" \\").split(" & ")) for line in plain.splitlines() if line.endswith(r"\\")]
    expected = [(*row[:4], rf"\textbf{{{row[4]}}}" if row[7] else row[4], *row[5:7]) for row in SCORES]
    assert rows[1 : 1 + len(expected)] == expected
    assert [row for row in rows if row in LEADERS] == LEADERS
    assert [row for row in rows if row in COMPARISONS] == COMPARISONS
    tabulars = re.findall(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tabulars) == 3
    for columns, body in tabulars:
        assert {line.count("&") for line in body.splitlines() if line.endswith(r"\\")} == {len(columns) - 1}
    for environment in ("table", "tabular", "itemize"):
        assert text.count(rf"\begin{{{environment}}}") == text.count(rf"\end{{{environment}}}")


def test_csv_has_one_line_per_cell_with_unrounded_numbers(study, tmp_path):
    lines = list(csv.DictReader(io.StringIO(written(study, tmp_path, "table.csv"))))
    shown = ("labels", "row", "alpha", "n", "mean", "sd", "best", "published", "difference", "p")
    rounded = [
        tuple(f"{float(line[key]):.4f}" if key in shown[4:] and line[key] else line[key] for key in shown)
        for line in lines
    ]
    assert rounded == [
        ("6", "DML", "", "3", "0.6000", "0.1000", "0.0000", "0.4000", "0.2000", ""),
        ("6", "AE", "0.5", "2", "0.8500", "0.0707", "1.0000", "0.9000", "-0.0500", ""),
        ("6", "AE", "0.9", "3", "0.8503", "0.0000", "1.0000", "", "", "0.0493"),
        ("6", "PCA, same d", "", "3", "0.3200", "0.0346", "0.0000", "", "", ""),
        ("60", "DML", "", "1", "0.7000", "", "0.0000", "", "", ""),
        ("60", "AE", "0.5", "0", "", "", "0.0000", "0.9500", "", ""),
        ("60", "AE", "0.9", "2", "0.8500", "0.0707", "1.0000", "", "", ""),
        ("60", "AE", "0.7", "0", "", "", "0.0000", "0.6600", "", ""),
    ]
    assert [line["kind"] for line in lines] == [*["run"] * 3, "baseline", *["run"] * 3, "published"]
    assert [line["compared_with"] for line in lines][1:4] == ["PCA, same d", "DML", ""]
    assert lines[1]["failed"] == "1"
    assert lines[5]["missing"] == "3"
    assert lines[0]["seconds"] == "30.0"
    compared = list(csv.DictReader((tmp_path / "comparisons.csv").open()))
    assert [(line["labels"], line["left"], line["right"], line["n"]) for line in compared] == [
        (*(("6",) if "6 " in row[0][:2] else ("60",) if "60" in row[0] else ("",)), *row[1:4]) for row in COMPARISONS
    ]


def test_the_paired_test_is_students(study):
    (comparison,) = [c for c in tabulate(study, RESULTS).comparisons if c.right == "DML" and c.n == 3]
    ours, theirs = [0.8503] * 3, [0.5, 0.6, 0.7]
    assert comparison.p == pytest.approx(stats.ttest_rel(ours, theirs).pvalue, rel=1e-12)
    assert comparison.difference == pytest.approx(0.2503)
    assert comparison.sd == pytest.approx(0.1)


def test_pairs_are_by_seed_not_by_order():
    values = {"a": {0: 0.1, 1: 0.5, 2: 0.9, 5: 0.7}, "b": {2: 0.8, 0: 0.3, 1: 0.4, 7: 0.0}}
    results = [result(6, {"row": row}, seed, v) for row, seeds in values.items() for seed, v in seeds.items()]
    table = tabulate(bare(TableSpec(compare=[["a", "b"]])), results)
    (c,) = table.comparisons
    assert (c.n, round(c.difference, 12)) == (3, 0.0)  # −.2, +.1 and +.1; seeds 5 and 7 have no partner
    assert c.p == pytest.approx(stats.ttest_rel([0.1, 0.5, 0.9], [0.3, 0.4, 0.8]).pvalue)


def test_over_all_blocks_a_seed_counts_once():
    # differences by block: (.1, .3, .2) and (.3, .1, .8); per seed .2, .2, .5
    differences = {6: (0.1, 0.3, 0.2), 60: (0.3, 0.1, 0.8)}
    results = [
        result(labels, {"row": row}, seed, 0.1 + (d if row == "a" else 0))
        for labels, block in differences.items()
        for row in "ab"
        for seed, d in enumerate(block)
    ]
    *_, over = tabulate(bare(TableSpec(compare=[["a", "b"]])), results).comparisons
    assert over.block is None
    assert (over.n, round(over.difference, 12), round(over.sd, 6)) == (3, 0.3, 0.173205)
    assert over.p == pytest.approx(stats.ttest_1samp([0.2, 0.2, 0.5], 0).pvalue)


def test_a_row_that_has_several_lines_pairs_each_with_its_partner():
    results = [
        result(6, {"row": row, "alpha": alpha, "beta": 1}, 0, value)
        for row, alpha, value in (("a", 0.1, 0.2), ("a", 0.2, 0.4), ("b", 0.2, 0.1), ("b", 0.1, 0.15))
    ]
    found = tabulate(bare(TableSpec(compare=[["a", "b"]])), results).comparisons
    assert [(c.left, c.right, round(c.difference, 9)) for c in found] == [
        ("a, α = 0.1", "b, α = 0.1", 0.05),
        ("a, α = 0.2", "b, α = 0.2", 0.3),
    ]


def bare(spec=None, metrics=("knn_accuracy",)):
    return SimpleNamespace(name="bare", title="", description="", metrics=metrics, table=spec, budget="")


def test_without_a_spec_the_table_follows_what_varies():
    results = [
        Result(
            {"dataset": "digits", "labels": labels, "latent_dim": 2, "preset": preset, "alpha": alpha, "seed": 0},
            "done",
            {"knn_accuracy": 0.5},
            1.0,
        )
        for labels in (100, None, 20)
        for preset in ("dml", "vae")
        for alpha in (0.5, 0.9)
    ]
    table = tabulate(bare(), results)
    assert table.varying == ("labels",)
    assert table.row_keys == ("preset", "alpha")
    assert [block.place["labels"] for block in table.blocks] == [20, 100, None]  # all labels last
    assert [len(block.lines) for block in table.blocks] == [4, 4, 4]


def test_a_best_can_be_the_lowest_or_be_none():
    results = [
        result(6, {"row": row}, 0, 0.5, reconstruction_error=error, kl=kl)
        for row, error, kl in (("a", 30.0, 1.0), ("b", 20.0, 2.0))
    ]
    (block,) = tabulate(bare(metrics=("knn_accuracy", "reconstruction_error", "kl")), results).blocks
    assert [[line.cells[m].best for m in ("knn_accuracy", "reconstruction_error", "kl")] for line in block.lines] == [
        [True, False, False],  # a tie is two bests; of errors the lower wins; of KLs neither
        [True, True, False],
    ]


def test_a_baseline_is_no_best_and_is_said_to_be_above():
    results = [result(6, {"row": row}, 0, value, pca=0.95) for row, value in (("a", 0.5), ("b", 0.6))]
    table = tabulate(bare(), results)
    assert [line.cells["knn_accuracy"].best for line in table.blocks[0].lines] == [False, True, False]
    assert "PCA, same d is above every run by kNN accuracy in: the only block." in notes_of(table)


def test_one_seed_is_said_and_has_no_spread(tmp_path):
    write_tables(bare(), [result(6, DML, 0, 0.5), result(6, AE5, 0, 0.25)], tmp_path)
    text = (tmp_path / "table.md").read_text()
    assert "| DML | one seed | **.500** |" in text
    assert "One seed: each score is a single run, without a spread." in text
    assert "standard deviation" not in text


def test_every_run_missing_or_failed_is_a_table_too(tmp_path):
    results = [
        result(6, DML, 0, None, status="missing"),
        result(60, DML, 0, None, status="failed", error=""),
    ]
    paths = write_tables(bare(), results, tmp_path)
    text = (tmp_path / "table.md").read_text()
    assert [path.name for path in paths] == ["table.md", "table.csv", "table.tex", "table.html"]
    assert "| 6 | DML | 0 (1 missing) | missing |" in text
    assert "| 60 | DML | 0 (1 failed) | failed |" in text
    assert "Failed: DML, 60 labels, seed = 0. no reason was recorded." in text


def test_the_same_results_give_the_same_bytes(study, tmp_path):
    one, two = (write_tables(study, RESULTS, tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in one] == [path.name for path in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))


def test_files_of_an_earlier_table_go(study, tmp_path):
    write_tables(study, RESULTS, tmp_path)
    assert (tmp_path / "score-by-labels.svg").exists()
    write_tables(bare(), RESULTS[:3], tmp_path)
    assert {path.name for path in tmp_path.glob("[cst]*.*")} - {"theirs.csv"} == {
        "table.md",
        "table.csv",
        "table.tex",
        "table.html",
    }


def test_two_results_in_one_place_are_refused():
    with pytest.raises(ValueError, match=r"same place, 6 labels, seed = 0, DML.*names or arguments"):
        tabulate(bare(), [result(6, DML, 0, 0.5), result(6, DML, 0, 0.6)])


def test_no_result_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no run"):
        write_tables(bare(), [], tmp_path)
