"""The built-in studies: every published figure has its one cell, and every run is one that can be run."""

import re
from collections import Counter
from importlib.resources import files
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from semimetric import MetricEmbedder, studies
from semimetric.estimator.parameters import check_parameters
from semimetric.evaluation.peers import PEERS
from semimetric.studies.tables.published_figures import figures_of
from semimetric.studies.tables.published_files import read_published
from semimetric.studies.tables.table import PUBLISHED, RUN
from semimetric.studies.tables.table_spec import Published, TableSpec
from semimetric.studies.tables.tabulate import tabulate
from semimetric.studies.task import Result

yaml = pytest.importorskip("yaml")

NAMES = [f"safir2022-table{number}" for number in (1, 2, 3, 4)] + ["tvae2018-table1", "why-priors-collapse"]
BUDGETS = ("smoke", "quick", "full")


def read(name, budget):
    """A study of a budget: its `base` is merged, all else replaced."""
    content = yaml.safe_load((files("semimetric.studies") / "builtin" / f"{name}.yaml").read_text(encoding="utf-8"))
    own = content.pop("budgets")[budget]
    base = {**content.get("base", {}), **own.get("base", {})}
    return {"grid": {}, **content, **own, "base": base, "budget": budget}


def expand(study):
    """Every run's arguments and place: a row's lists and the grid multiplied out."""
    for row in study["rows"]:
        axes = {**study["grid"], **{k: v if isinstance(v, list) else [v] for k, v in row.items() if k != "name"}}
        for values in product(*axes.values()):
            chosen = dict(zip(axes, values, strict=True))
            for labels, seed in product(study.get("labels", [None]), study["seeds"]):
                place = {"dataset": study["dataset"], "seed": seed, "row": row["name"], **chosen}
                if "labels" in study:
                    place["labels"] = labels
                yield {**study["base"], **chosen}, place


def table_of(study):
    results = [Result(place, "done", dict.fromkeys(study["metrics"], 0.5), 1.0) for _, place in expand(study)]
    known = {"name", "title", "description", "metrics", "budget"}
    spec = TableSpec.model_validate(study["table"])
    return tabulate(SimpleNamespace(**{key: study[key] for key in known}, table=spec), results)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", BUDGETS)
def test_every_run_can_be_run_and_every_name_is_known(name, budget):
    study = read(name, budget)
    assert study["name"] == name
    places = []
    for arguments, place in expand(study):
        check_parameters(MetricEmbedder(**arguments, random_state=0).get_params(deep=False))
        places.append(place)
    spec = TableSpec.model_validate(study["table"])
    spec.check([row["name"] for row in study["rows"]], list({key for place in places for key in place}))
    assert study["title"]
    assert study["description"]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "why-priors-collapse"])
@pytest.mark.parametrize("budget", ["quick", "full"])
def test_each_published_figure_stands_in_one_cell_of_a_run(name, budget):
    study = read(name, budget)
    table = table_of(study)
    shown = [
        (line.name, metric, cell.published)
        for block in table.blocks
        for line in block.lines
        for metric, cell in line.cells.items()
        if cell.published is not None
    ]
    assert {line.kind for block in table.blocks for line in block.lines} == {RUN}  # no published row is left alone
    wanted = [
        (figure.row, figure.metric, figure.value)
        for figure in figures_of(table_spec(study).published)
        if dict(figure.place).get("dataset") == study["dataset"]
    ]
    assert sorted(shown) == sorted(wanted)


def table_spec(study):
    return TableSpec.model_validate(study["table"])


@pytest.mark.parametrize(("name", "number"), [(f"safir2022-table{n}", n) for n in (1, 2, 3, 4)])
def test_no_line_of_the_papers_table_is_forgotten(name, number):
    lines = [line for line in read_published("safir2022_tables.csv") if line["table"] == str(number)]
    numbers = sum((line["accuracy"] != "") + (line["ami"] != "") for line in lines)
    assert len(figures_of(table_spec(read(name, "full")).published)) == numbers


def test_figures_stand_where_the_paper_has_them():
    cells = {}
    for number in (1, 3, 4):
        for block in table_of(read(f"safir2022-table{number}", "quick")).blocks:
            for line in block.lines:
                keys = (block.place.get("labels"), block.place["latent_dim"], line.name)
                weight = line.place.get("alpha", line.place.get("gamma"))
                cells[(number, *keys, weight)] = {m: c.published for m, c in line.cells.items()}
    assert cells[1, 60, 10, "DML autoencoder", 0.5]["knn_accuracy"] == 0.8798
    assert cells[1, 6000, 10, "DML", None]["knn_ami"] == 0.8838
    assert cells[3, 6, 4, "unit prior", 0.33]["knn_accuracy"] == 0.0905
    assert cells[3, 6000, 4, "GMM prior", 0.66]["knn_accuracy"] == 0.09628
    assert cells[4, None, 10, "MVAE", 5]["linear_accuracy"] == 0.984
    assert cells[4, None, 2, "DML", None]["forest_accuracy"] == 0.945
    assert cells[4, None, 5, "ours: dml", None]["knn_accuracy"] is None


@pytest.mark.parametrize(("name", "blocks"), [(f"safir2022-table{n}", m) for n, m in ((1, 6), (3, 6), (4, 3))])
def test_blocks_are_labels_by_dimensions(name, blocks):
    assert len(table_of(read(name, "quick")).blocks) == blocks


@pytest.mark.parametrize(
    ("name", "runs"), [("safir2022-table1", (42, 126)), ("safir2022-table3", (60, 360)), ("safir2022-table4", (21, 63))]
)
def test_budgets_are_as_many_runs_as_their_estimates_say(name, runs):
    assert tuple(len(list(expand(read(name, budget)))) for budget in ("quick", "full")) == runs


def test_without_its_data_a_table_still_has_the_published_figures():
    study = read("safir2022-table2", "quick")
    results = [Result(place, "failed", {}, 0.0, "DataError: no organamnist") for _, place in expand(study)]
    spec = table_spec(study)
    known = ("name", "title", "description", "metrics", "budget")
    table = tabulate(SimpleNamespace(**{key: study[key] for key in known}, table=spec), results)
    assert sum(line.kind == PUBLISHED for block in table.blocks for line in block.lines) == 0
    (failure,) = table.failures
    assert (failure.error, len(failure.where)) == ("DataError: no organamnist", 42)
    figures = [cell.published for block in table.blocks for line in block.lines for cell in line.cells.values()]
    assert len(figures) == 60


def test_table_2s_dml_column_is_a_copy():
    """What the study's description says of the published figures."""
    lines = [line for line in read_published("safir2022_tables.csv") if line["table"] == "2"]
    numbers = ("labelled_percent", "latent_dim", "accuracy", "ami")
    dml = [[line[key] for key in numbers] for line in lines if line["model"] == "dml"]
    copied = [[line[key] for key in numbers] for line in lines if line["alpha"] == "1"]
    assert dml == copied
    assert len(dml) == 6


DOCS = Path(__file__).parents[3] / "docs" / "studies.md"


def yaml_blocks():
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", DOCS.read_text(), re.M | re.S)]


def test_the_page_on_studies_shows_what_is_right():
    study, published = (block for block in yaml_blocks() if "table" in block or "published" in block)
    spec = TableSpec.model_validate(study["table"])
    runs = list(expand({"base": {}, **study, "seeds": range(study["seeds"])}))
    assert f"{len(runs)} runs" in DOCS.read_text()
    for arguments, _ in runs:
        check_parameters(MetricEmbedder(**arguments, random_state=0).get_params(deep=False))
    spec.check([row["name"] for row in study["rows"]], [*runs[0][1], "alpha"])
    full = table_spec(read("safir2022-table4", "full")).published
    shown = Published.model_validate(published["published"])
    assert {**full.metrics, **shown.metrics} == full.metrics
    assert shown.model_dump(exclude={"metrics"}) == full.model_dump(exclude={"metrics"})


def test_the_page_on_studies_knows_every_key_of_a_table():
    (rows,) = re.findall(r"^\| key of `table:`.*\n\|---.*\n((?:\|.*\n)+)", DOCS.read_text(), re.M)
    assert re.findall(r"^\| `(\w+)`", rows, re.M) == list(TableSpec.model_fields)


@pytest.mark.parametrize("name", [*NAMES, "few-labels", "few-labels-medical"])
def test_the_page_on_studies_counts_the_runs(name):
    (line,) = re.findall(rf"^\| `{name}` \|.*$", DOCS.read_text(), re.M)
    counts = [int(count.replace(",", "")) for count in re.findall(r"([\d,]+) runs", line)]
    assert counts == [len(studies.expand(studies.read_study(name, budget))) for budget in ("quick", "full")]


@pytest.mark.parametrize("budget", ["quick", "full"])
def test_few_labels_compares_each_row_with_every_peer_in_blocks_of_dataset_and_labels(budget):
    study = studies.read_study("few-labels", budget)
    scores = {f"{peer}{metric}": 0.5 for peer in ("", *(f"{name}." for name in PEERS)) for metric in study.metrics}
    table = tabulate(study, [Result(task.place, "done", scores) for task in studies.expand(study)])
    blocks = [(block.place["dataset"], block.place["labels"]) for block in table.blocks]
    assert blocks == [
        *(("mnist", count) for count in (10, 60, 100, 6000)),
        *(("fashion-mnist", count) for count in (100, 1000)),
        *(("pneumoniamnist", 40), ("retinamnist", 100)),
    ]
    assert {metric.key: metric.better for metric in table.metrics if metric.better < 0} == {"ece": -1, "nll": -1}
    compared = {c.right for c in table.comparisons if c.block == table.blocks[0].place}
    assert {peer.label for peer in PEERS.values()} < compared
    draws = Counter(dataset for dataset, _ in study.draws)
    for c in table.comparisons:
        assert c.n == (min(draws.values()) if c.block is None else draws[str(c.block["dataset"])])
