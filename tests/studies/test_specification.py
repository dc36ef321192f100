"""A mistake in a study's file is told with its line and the nearest right name, before anything is trained."""

import pytest

from semimetric.errors import StudyError
from semimetric.studies import Study, built_in_studies, expand, read_study
from semimetric.studies.checks import ARGUMENTS, check_study
from semimetric.studies.yaml_lines import read_yaml

FILE = """name: mine
title: Two rows
dataset: digits
labels: [50, 200]
base: {epochs: 5, learning_rate: 1e-4}
grid:
  latent_dim: [2, 10]
rows:
  - {name: DML, preset: dml}
  - name: both
    preset: dml-autoencoder
    alpha: [0.33, 0.66]
metrics: [knn_accuracy, pca.knn_accuracy]
budgets:
  quick:
    seeds: 1
    base: {epochs: 2}
"""
ROWS = "  - {name: DML, preset: dml}\n"
SEARCH = "search:\n  trials: 5\n  space:\n    margin: {low: 0.1, high: 0.3}\n"
WITHOUT_ROWS = FILE[: FILE.index("grid:")] + SEARCH + FILE[FILE.index("metrics:") :]


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Return what is said of a file."""
    monkeypatch.chdir(tmp_path)

    def told(text, budget=None):
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(StudyError) as error:
            read_study("mine.yaml", budget)
        return str(error.value)

    return told


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "metrics:",
            "metrcs:",
            "mine.yaml, line 13: unknown key 'metrcs': did you mean 'metrics'? Known: balanced, base",
        ),
        (
            "latent_dim:",
            "latentdim:",
            "line 7: unknown argument 'latentdim' in grid: did you mean 'latent_dim'? Known: ",
        ),
        ("{epochs: 5", "{epoch: 5", "line 5: unknown argument 'epoch' in base: did you mean 'epochs'? Known: alpha"),
        ("    alpha:", "    aplha:", "line 12: unknown argument 'aplha' in rows.2: did you mean 'alpha'? Known: "),
        ("preset: dml}", "preset: dmll}", "line 9: rows.1.preset: unknown preset 'dmll': did you mean 'dml'? Known: "),
        ("[0.33, 0.66]", "[0.33, 66]", "line 12: rows.2.alpha: alpha must be above 0 and at most 1, got 66"),
        ("[2, 10]", "[2, 10.5]", "line 7: grid.latent_dim: latent_dim must be a whole number of at least 1, got 10.5"),
        (
            "epochs: 5",
            "epochs: 0",
            "line 5: base.epochs: epochs must be a whole number of at least 1, or 'auto', got 0",
        ),
        ("[50, 200]", "[50, sixty]", "line 4: labels.2 must be a number of labels, at least 1, or null for all there "),
        ("[50, 200]", "[50, 2000]", "line 4: labels must be at most the 1198 training rows of digits, got 2000"),
        (
            "labels: [50, 200]",
            "percent: 0.01",
            "line 4: percent must be at least 0.083, one of the 1198 training rows of ",
        ),
        (
            "labels: [50, 200]",
            "seeds: many",
            "line 4: seeds must be a number of seeds, at least 1, or a list of seeds, got",
        ),
        (
            "[50, 200]",
            "{digits: [50, sixty]}",
            "line 4: labels.digits.2 must be a number of labels, at least 1",
        ),
        ("[50, 200]", "{digits: 2000}", "line 4: labels must be at most the 1198 training rows of digits, got 2000"),
        (
            "[50, 200]",
            "{mnist: 60}",
            "line 1: the study must have labels for each of its datasets and for no other",
        ),
        (
            "labels: [50, 200]",
            "seeds: {digits: 0}",
            "line 4: seeds.digits must be a number of seeds, at least 1, or a list of seeds, got 0",
        ),
        (
            "labels: [50, 200]",
            "seeds: {mnist: 3}",
            "line 1: the study must have seeds for each of its datasets and for no other: see 'digits'",
        ),
        (
            "labels:",
            "per_dataset: {mnist: {epochs: 3}}\nlabels:",
            "line 1: the study must have per_dataset for its own datasets only: see 'mnist'",
        ),
        (
            "labels:",
            "per_dataset: {digits: {epoch: 3}}\nlabels:",
            "line 4: unknown argument 'epoch' in per_dataset.digits: did you mean 'epochs'? Known: alpha",
        ),
        (
            "labels:",
            "per_dataset: {digits: {epochs: 0}}\nlabels:",
            "line 4: per_dataset.digits.epochs: epochs must be a whole number of at least 1, or 'auto', got 0",
        ),
        ("labels:", "percent: 1\nlabels:", "mine.yaml, line 1: the study must have labels or percent, not both"),
        ("seeds: 1", "seds: 1", "line 16: unknown key 'seds' in budgets.quick: did you mean 'seeds'? Known: balanced"),
        ("seeds: 1", "seeds: 0", "line 16: seeds must be a number of seeds, at least 1, or a list of seeds, got 0"),
        (
            "dataset: digits",
            "dataset: digit",
            "line 3: unknown dataset 'digit': did you mean 'digits'? Known: bloodmnist",
        ),
        ("dataset: digits\n", "", "mine.yaml, line 1: the key 'dataset' is missing"),
        ("title: Two rows", "title: 2", "line 2: title must be text, got 2"),
        ("[knn_acc", "[knn_acu", "line 13: unknown metric 'knn_acuuracy': did you mean 'knn_accuracy'"),
        (
            "pca.knn",
            "pac.knn",
            "line 13: unknown metric 'pac.knn_accuracy': did you mean 'pca'? Known: label-spreading, pca, pca50",
        ),
        ("title:", "name: twice\ntitle:", "line 2: the key 'name' is there already, in line 1: keep one of them"),
        ("rows:\n", SEARCH + "rows:\n", "line 1: the study must have rows and grid, or a search, not both"),
        (
            "grid:",
            "loading: {image_sise: 3}\ngrid:",
            "line 6: unknown argument 'image_sise' in loading: did you mean 'ima",
        ),
        (
            "rows:\n",
            "table: {baselines: [umpa]}\nrows:\n",
            "line 8: table.baselines holds 'umpa', which is no baseline: did you mean 'umap'",
        ),
        (
            "rows:\n",
            "table: {compare: [[DML, umap]]}\nrows:\n",
            "line 8: table.compare: 'umap' is compared with and must be one of table.baselines",
        ),
        ("labels: [50, 200]", "labels: [50", "mine.yaml, line 5: this is not YAML: "),
    ],
)
def test_a_mistake_is_told_with_its_line(refused, right, wrong, told):
    assert FILE.count(right) == 1
    assert told in refused(FILE.replace(right, wrong))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            "trials: 5",
            "trails: 5",
            "mine.yaml, line 7: unknown key 'trails' in search: did you mean 'trials'? Known: dire",
        ),
        (
            "  trials: 5",
            "  method: tpee",
            "line 7: unknown search.method 'tpee': did you mean 'tpe'? Known: random, tpe",
        ),
        ("margin:", "margni:", "line 9: unknown argument 'margni' in search.space: did you mean 'margin'? Known: "),
        (
            "high:",
            "hi:",
            "line 9: unknown key 'hi' in search.space.margin: did you mean 'high'? Known: choices, high, log",
        ),
        (", high: 0.3", "", "line 9: search.space.margin must have low and high, or choices"),
        ("high: 0.3", "high: 0.05", "line 9: search.space.margin must have low below high, not 0.1 and 0.05"),
        ("low: 0.1", "low: -1", "line 9: search.space.margin: margin must be at least 0, got -1"),
        ("search:", "per_dataset: {digits: {epochs: 0}}\nsearch:", "per_dataset.digits.epochs: epochs must be a whole"),
        ("[knn_accuracy", "[kl", "line 6: search.prune must be false where the first metric is 'kl'"),
    ],
)
def test_so_is_one_in_a_search(refused, right, wrong, told):
    assert WITHOUT_ROWS.count(right) == 1
    assert told in refused(WITHOUT_ROWS.replace(right, wrong))


def test_every_mistake_of_form_is_told_at_once(refused):
    text = FILE.replace("metrics:", "metrcs:").replace("title: Two rows", "title: 2")
    assert [line.split(":")[0] for line in refused(text).splitlines()] == ["mine.yaml, line 2", "mine.yaml, line 13"]


def test_a_mistake_in_the_arguments_of_a_budget_is_told_at_its_own_line(refused):
    text = FILE.replace("{epochs: 2}", "{epochs: -2}")
    told = "mine.yaml, line 17: base.epochs: epochs must be a whole number of at least 1, or 'auto', got -2"
    assert refused(text, "quick") == told
    unknown = refused(FILE, "qick")
    assert unknown == "mine.yaml: unknown budget 'qick': did you mean 'quick'? Known: quick"


def test_a_budget_merges_the_base_and_replaces_the_rest(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FILE)
    whole, quick = read_study(str(path)), read_study(str(path), "quick")
    assert whole.base == {"epochs": 5, "learning_rate": 1e-4}
    assert quick.base == {"epochs": 2, "learning_rate": 1e-4}
    assert (whole.budget, quick.budget) == ("", "quick")
    assert quick.labels == [50, 200]


def test_full_is_the_budget_where_none_is_said(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FILE.replace("quick:", "full:"))
    assert read_study(str(path)).budget == "full"
    assert read_study(str(path)).base["epochs"] == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1e-4", 1e-4), ("-2.5E3", -2500.0), (".5", 0.5), ("10", 10), ("no", "no"), ("1:30", "1:30"), ("010", "010")],
        *[("true", True), ("null", None), ("~", None), ("2026-01-01", "2026-01-01"), ("'1'", "1"), ("1e", "1e")],
    ],
)
def test_scalars_are_what_people_mean(text, value):
    content, _ = read_yaml(f"a: {text}\n", "s.yaml")
    assert content == {"a": value}
    assert type(content["a"]) is type(value)


def test_what_is_no_file_or_study_is_said(tmp_path):
    with pytest.raises(StudyError, match=r"^unknown study 'digits-preset': did you mean 'digits-presets'\? Known: "):
        read_study("digits-preset")
    with pytest.raises(StudyError, match="cannot be read: No such file or directory"):
        read_study(str(tmp_path / "none.yaml"))
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(StudyError, match="a study is a mapping of keys"):
        read_study(str(tmp_path / "list.yaml"))


def test_a_study_made_in_python_is_checked_too():
    with pytest.raises(StudyError) as error:
        check_study(Study(name="mine", dataset="digits", base={"latent": 2}))
    assert str(error.value).startswith("study 'mine': unknown argument 'latent' in base: did you mean 'latent_dim' or")
    assert {"preset", "alpha", "epochs", "device"} <= ARGUMENTS
    assert not {"resume", "checkpoint_dir", "random_state", "encoder"} & ARGUMENTS


@pytest.mark.parametrize("name", built_in_studies())
def test_every_study_that_comes_with_the_library_can_be_run(name):
    study = built_in_studies()[name]
    assert study.name == name
    assert study.title
    assert study.description
    for budget in [None, *study.budgets]:
        assert expand(read_study(name, budget)) or study.search


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("{compare: [[bth, DML]]}", "line 14: table.compare: no row is called 'bth': did you mean 'both'?"),
        ("{blocks: [label]}", "line 14: table.blocks and table.against: no key 'label': did you mean 'labels'?"),
    ],
)
def test_a_table_names_rows_and_keys_of_the_study(refused, table, told):
    assert told in refused(FILE.replace("budgets:", f"table: {table}\nbudgets:"))
