"""``--help``, ``--version``, ``datasets``: and that the command line quotes the class's own defaults."""

import inspect
import json
import subprocess
import sys

import pytest
import typer

from semimetric import MetricEmbedder, __version__
from semimetric.cli.app import app
from semimetric.data import list_datasets
from semimetric.data.augmentation import AUGMENTATIONS
from semimetric.geometry.distances import DISTANCES
from semimetric.losses import LOSSES
from semimetric.networks import ARCHITECTURES, LIKELIHOODS
from semimetric.presets import DEFAULTS, PRESETS
from semimetric.priors import KL_ESTIMATORS, PRIORS
from semimetric.training import DEVICES, PRECISIONS, ROUTINES

COMMANDS = typer.main.get_command(app).commands
ESTIMATOR = inspect.signature(MetricEmbedder).parameters
SHARED = [option for option in COMMANDS["fit"].params if option.name in ESTIMATOR and option.name != "resume"]
BEST = PRESETS["best"]
CHOICES = {
    "preset": PRESETS,
    "distance": DISTANCES,
    "likelihood": LIKELIHOODS,
    "loss": LOSSES,
    "prior": PRIORS,
    "kl_estimator": KL_ESTIMATORS,
    "network": ARCHITECTURES,
    "routine": ROUTINES,
    "augment": ["auto", "none", *AUGMENTATIONS],
    "precision": PRECISIONS,
    "device": DEVICES,
}


def test_there_are_the_commands_of_the_design_and_predict():
    assert set(COMMANDS) == {"demo", "fit", "embed", "evaluate", "predict", "suggest", "report", "study", "datasets"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(semimetric, name):
    done = semimetric(name, "--help", width=80)
    assert (done.code, done.err) == (0, "")
    words = " ".join(done.out.split())
    assert f"Usage: semimetric {name}" in words
    assert f" semimetric {name}" in words.partition("Example")[2]
    assert max(map(len, done.out.splitlines())) <= 80
    for option in COMMANDS[name].params:
        assert option.opts[0] in done.out or option.metavar in done.out
        assert option.help, option.name
    assert "--json" in done.out


@pytest.mark.parametrize("name", ["fit", "embed", "evaluate", "predict", "suggest"])
def test_help_says_where_images_without_a_label_lie(semimetric, name):
    assert "a subfolder for each class, and unlabelled/ for" in semimetric(name, "--help").out


def test_the_program_explains_itself(semimetric):
    done = semimetric("--help")
    assert done.code == 0
    assert all(f" {name} " in done.out for name in COMMANDS)
    assert "0 fine, 1 failed or interrupted, 2 used wrongly" in done.out
    assert "Usage: semimetric [OPTIONS] COMMAND [ARGS]..." in semimetric().out
    assert semimetric("--version").out == f"semimetric {__version__}\n"


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "semimetric", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"semimetric {__version__}\n"


@pytest.mark.parametrize("option", SHARED, ids=lambda option: option.name)
def test_help_quotes_the_class_s_default_and_does_not_pass_it_on(option):
    assert option.default is None
    default = ESTIMATOR[option.name].default
    # What is None stands for depends on preset, prior or data, and is told in words.
    of_the_prior = {"n_components", "log_variance"}
    of_best = {"routine", "validation_share"}
    if option.name in of_best:
        usual, best = ({0.0: 0}.get(each, each) for each in (DEFAULTS[option.name], BEST.defaults[option.name]))
        assert option.show_default == f"{usual}; in best {best}"
        assert [preset.name for preset in PRESETS.values() if option.name in preset.defaults] == ["best", "best-fast"]
        return
    told = "the prior's" if option.name in of_the_prior else "the preset's" if option.name in DEFAULTS else None
    told = told or {
        "n_neighbors": "1 for up to 100 labels, else 5; after self-training 20 to 80",
        "chunk_size": "the whole batch",
    }.get(option.name)
    assert option.show_default == (told if default is None else str(default))


def test_all_that_shape_a_model_can_be_given():
    code = {"encoder", "decoder"}
    of_the_run = {"checkpoint_dir", "resume", "verbose", "random_state"}
    assert {option.name for option in SHARED} == set(ESTIMATOR) - code - of_the_run


@pytest.mark.parametrize("name", CHOICES)
def test_help_names_every_choice(name):
    option = next(option for option in COMMANDS["fit"].params if option.name == name)
    for choice in CHOICES[name]:
        assert choice in option.help


def test_datasets_lists_what_can_be_loaded(semimetric, tmp_path):
    done = semimetric("datasets", "--data-dir", tmp_path, "--json")
    assert (done.code, done.err) == (0, "")
    expected = [{**vars(row), "shape": list(row.shape)} for row in list_datasets(tmp_path)]
    assert done.json == {"datasets": json.loads(json.dumps(expected))}
    done = semimetric("datasets", "--data-dir", tmp_path, width=80)
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    for row in expected:
        assert any(line.split()[:1] == [row["name"]] for line in lines)
    digits = next(line for line in lines if line.startswith("digits"))
    assert digits.split()[-3:] == ["8×8", "10", "scikit-learn"]


def test_datasets_says_where_a_copy_is(semimetric, shared_data):
    rows = {row["name"]: row for row in semimetric("datasets", "--data-dir", shared_data, "--json").json["datasets"]}
    assert rows["mnist"]["local"] == str(shared_data / "mnist")
    assert rows["pneumoniamnist"]["local"] == str(shared_data / "medmnist")
