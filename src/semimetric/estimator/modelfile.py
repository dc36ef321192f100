"""Saved models: a directory of one JSON file and one safetensors file, and nothing that could run code.

``model.json`` says what the model is and carries a digest of itself and of the weights, so that damage is told
apart from change. It is checked before anything is built, and the networks are built without memory until the
shapes in the file have been seen to be theirs: a hostile file costs an error message.
"""

import hashlib
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from semimetric.data.arrays import InputForm
from semimetric.data.normalisation import Normaliser
from semimetric.errors import ModelFileError
from semimetric.estimator.embedder import MetricEmbedder
from semimetric.estimator.networks import check_shapes, compose
from semimetric.estimator.parameters import check_parameters, resolve
from semimetric.estimator.spreadfile import spread_labels, spread_tensors
from semimetric.presets import get_preset

FORMAT = "semimetric-model"
VERSION = 1
JSON_NAME = "model.json"
WEIGHTS_NAME = "weights.safetensors"
LARGEST_JSON = 64 * 2**20  # bytes
LARGEST_WEIGHTS = 2**33  # bytes
LARGEST_INPUT = 2**26  # numbers in one input
OWN = ("encoder", "decoder", "distance", "augment", "loss", "prior")  # parameters that may hold code of the user's own
NOT_SAVED = ("checkpoint_dir", "resume", "verbose", "random_state")  # of the fit, not of the model

Size = Annotated[int, Field(ge=1, le=2**24)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    shape: list[Size] = Field(min_length=1, max_length=3)
    layout: Literal["vector", "hw", "hwc", "chw"]
    integer: bool


class _Body(BaseModel):
    """What ``model.json`` must hold under "body"; anything else is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)
    semimetric: str
    parameters: dict[str, str | int | float | bool | None]
    own: list[Literal["encoder", "decoder", "distance", "augment", "loss", "prior"]]
    form: _Form
    classes: list[str] | list[bool] | list[int] | list[float]
    classes_type: Literal["str", "int", "float", "bool"]
    n_features_in: Size
    feature_names_in: list[str] | None
    seed: int
    n_epochs: int
    best_epoch: int
    stopped: Literal["finished", "early", "interrupted", "diverged"]
    fit_seconds: float
    history: list[dict[str, float | None]]
    weights_bytes: Annotated[int, Field(ge=1, le=LARGEST_WEIGHTS)]
    weights_sha256: str

    @field_validator("parameters")
    @classmethod
    def _of_the_model(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        """A file says what the model is, not where or how to fit another."""
        if strangers := set(NOT_SAVED) & set(parameters):
            raise ValueError(f"{', '.join(sorted(strangers))} is not a parameter of a model")
        return parameters

    @field_validator("form")
    @classmethod
    def _of_a_possible_size(cls, form: _Form) -> _Form:
        if math.prod(form.shape) > LARGEST_INPUT:
            raise ValueError(f"inputs of {math.prod(form.shape)} numbers are larger than any model takes")
        return form


def save_model(embedder: MetricEmbedder, path: Path) -> Path:
    """Write the model; it takes the place of one that was there only when it is whole."""
    path = path.expanduser().resolve()
    if path.exists() and not _may_be_replaced(path):
        raise ValueError(f"{path} exists and is not a saved model: it is not overwritten; choose another path")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The new model is made beside the old one, which is moved aside and only then removed.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", ignore_cleanup_errors=True) as folder:
        new, old = Path(folder, "new"), Path(folder, "old")
        new.mkdir()
        try:
            save_file(_tensors(embedder), new / WEIGHTS_NAME)
        except SafetensorError as error:  # a full disk, for one, is reported so
            raise OSError(f"could not write the model to {path}: {error}") from error
        (new / JSON_NAME).write_bytes(_envelope(_body(embedder, new / WEIGHTS_NAME)))
        if path.exists():
            os.replace(path, old)
        try:
            os.replace(new, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
    return path


def _may_be_replaced(path: Path) -> bool:
    """Whether there is nothing at ``path`` but a model, whole or damaged, or an empty directory."""
    return path.is_dir() and {file.name for file in path.iterdir()} <= {JSON_NAME, WEIGHTS_NAME}


def load_model(path: Path, own: dict[str, Any]) -> MetricEmbedder:
    """Read and check the model; raise `ModelFileError` with a sentence for whatever is wrong."""
    body = _read_body(path)
    _check_own(path, body.own, own)
    weights = _read_weights(path / WEIGHTS_NAME, body)
    try:
        return _build(body, own, weights)
    except ModelFileError:
        raise
    except (ValueError, TypeError, RuntimeError, KeyError, IndexError, OverflowError) as error:
        if body.own:
            hint = f"; the model was fitted with {', '.join(body.own)} of the user's own: are they the same?"
        else:
            hint = ""
        raise ModelFileError(f"{path} does not describe a model of this version: {error}{hint}") from error


# Writing ------------------------------------------------------------------------------------------


def _tensors(embedder: MetricEmbedder) -> dict[str, Tensor]:
    tensors = {f"model.{name}": t for name, t in embedder.model_.state_dict().items()}
    tensors |= {f"normaliser.{name}": t for name, t in embedder.normaliser_.state_dict().items()}
    tensors["labelled.embeddings"] = torch.from_numpy(embedder.labelled_embeddings_)
    tensors["labelled.codes"] = torch.from_numpy(embedder.labelled_codes_.astype(np.int64))
    tensors["labelled.rows"] = torch.from_numpy(embedder.labelled_rows_.astype(np.int64))
    if embedder.spread_labels_ is not None:
        tensors |= spread_tensors(embedder.spread_labels_)
    # A copy of each: safetensors refuses tensors that share memory, and channels_last ones.
    return {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}


def _body(embedder: MetricEmbedder, weights: Path) -> dict[str, Any]:
    parameters = {k: v for k, v in embedder.settings_.items() if k not in NOT_SAVED}
    if not isinstance(parameters["routine"], str):  # a class of one's own: it is of the fit too
        del parameters["routine"]
    own = [name for name in OWN if not isinstance(parameters[name], (str, type(None)))]
    plain = {k: None if k in own else v.item() if isinstance(v, np.generic) else v for k, v in parameters.items()}
    classes = embedder.classes_
    kind = {"U": "str", "O": "str", "b": "bool", "f": "float"}.get(classes.dtype.kind, "int")
    names = getattr(embedder, "feature_names_in_", None)
    form = embedder.input_form_
    finite = [{k: v if np.isfinite(v) else None for k, v in row.items()} for row in embedder.history_]
    from semimetric import __version__

    return {
        "semimetric": __version__,
        "parameters": plain,
        "own": own,
        "form": {"shape": [int(s) for s in form.shape], "layout": form.layout, "integer": form.integer},
        "classes": classes.tolist(),
        "classes_type": kind,
        "n_features_in": int(embedder.n_features_in_),
        "feature_names_in": None if names is None else [str(name) for name in names],
        "seed": embedder.seed_,
        "n_epochs": embedder.n_epochs_,
        "best_epoch": embedder.best_epoch_,
        "stopped": embedder.stopped_,
        "fit_seconds": embedder.fit_seconds_,
        "history": finite,
        "weights_bytes": weights.stat().st_size,
        "weights_sha256": _sha256_of_file(weights),
    }


def _envelope(body: Any) -> bytes:
    head = {"format": FORMAT, "format_version": VERSION}
    digest = _sha256(_serialise({**head, "body": body}))
    return _serialise({**head, "sha256": digest, "body": body})


def _serialise(content: Any) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sha256_of_file(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


# Reading ------------------------------------------------------------------------------------------


def _read_body(path: Path) -> _Body:
    if not path.exists():
        raise ModelFileError(f"there is no saved model at {path}")
    if path.is_file():
        raise ModelFileError(f"{path} is {_kind_of_file(path) or 'a file'}, not a saved model, which is a directory")
    file = path / JSON_NAME
    if not file.is_file():
        raise ModelFileError(f"{path} is not a saved model: {JSON_NAME} is missing")
    if file.stat().st_size > LARGEST_JSON:
        raise ModelFileError(f"{file} is not the description of a model: it is larger than {LARGEST_JSON} bytes")
    raw = file.read_bytes()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        what = _kind_of_bytes(raw) or f"damaged: {error}"
        raise ModelFileError(f"{file} is {what}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ModelFileError(f"{file} is not the description of a semimetric model")
    version = content.get("format_version")
    if isinstance(version, int) and version > VERSION:
        raise ModelFileError(
            f"{file} has format version {version}, newer than the {VERSION} that this version of semimetric reads: "
            "upgrade semimetric"
        )
    if version != VERSION or not _is_as_written(raw, content.get("body")):
        raise ModelFileError(f"{file} is damaged: its content does not match its checksum")
    try:
        return _Body.model_validate(content["body"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelFileError(f"{file} does not describe a model: {where}: {first['msg']}") from error


def _is_as_written(raw: bytes, body: Any) -> bool:
    """Whether these are the bytes that `save` would write for this content: any other is damage."""
    try:
        return raw == _envelope(body)
    except (ValueError, RecursionError):  # of numbers that are not finite, or what is too deep to have been written
        return False


def _read_weights(file: Path, body: _Body) -> dict[str, Tensor]:
    if not file.is_file():
        raise ModelFileError(f"{file.parent} is not a whole saved model: {file.name} is missing")
    # The size first: a digest of an endless file would take for ever.
    if file.stat().st_size != body.weights_bytes or _sha256_of_file(file) != body.weights_sha256:
        kind = _kind_of_file(file)
        damaged = "damaged or truncated: its content does not match the model's checksum"
        raise ModelFileError(f"{file} is {damaged if kind is None else kind}")
    try:
        with safe_open(file, framework="pt") as content:
            return {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{file} is {_kind_of_file(file) or f'damaged: {error}'}") from error


def _kind_of_file(path: Path) -> str | None:
    with path.open("rb") as file:
        return _kind_of_bytes(file.read(2))


def _kind_of_bytes(raw: bytes) -> str | None:
    """Name the formats that could carry code, by their first bytes."""
    if raw[:1] == b"\x80" or raw[:2] == b"PK":
        return "a pickle (or an archive of one), which could run code and is never loaded"
    return None


def _check_own(path: Path, wanted: list[Any], given: dict[str, Any]) -> None:
    missing = [name for name in wanted if given.get(name) is None]
    if missing:
        raise ModelFileError(
            f"the model at {path} was fitted with {' and '.join(missing)} of the user's own, which a file cannot hold: "
            f"give {'them' if len(missing) > 1 else 'it'} again, load(path, {', '.join(f'{n}=…' for n in missing)})"
        )
    extra = [name for name in given if name not in wanted]
    if extra:
        raise ModelFileError(f"the model at {path} was not fitted with {' or '.join(extra)} of the user's own")


def _build(body: _Body, own: dict[str, Any], weights: dict[str, Tensor]) -> MetricEmbedder:
    embedder = MetricEmbedder(**body.parameters | own, random_state=body.seed)
    check_parameters(embedder.get_params(deep=False))
    parameters = resolve(embedder.get_params(deep=False))
    preset = get_preset(embedder.preset)
    form = InputForm(tuple(body.form.shape), body.form.layout, body.form.integer)
    with torch.device("meta"):  # shapes without memory
        composition = compose(preset, form.shape, parameters, len(body.classes), body.seed)
        normaliser = Normaliser(form.shape)
    _adopt(composition.model, "model.", weights)
    if form.is_image:  # as training left it: another order of memory sums in another order
        composition.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _adopt(normaliser, "normaliser.", weights)
    if own:  # of the library's own networks, the shapes of the weights have said all
        check_shapes(composition, form.shape, parameters["latent_dim"], preset.parameters_per_dimension)
    embedder.settings_ = parameters
    embedder.model_, embedder.normaliser_, embedder.input_form_ = composition.model, normaliser, form

    Z, codes, rows = (weights.pop(f"labelled.{name}").numpy() for name in ("embeddings", "codes", "rows"))
    classes: np.ndarray = np.array(
        body.classes, dtype={"str": np.str_, "bool": bool, "float": float, "int": np.int64}[body.classes_type]
    )
    embedder.spread_labels_ = spread_labels(weights, parameters["latent_dim"], len(classes), form.shape)
    if Z.shape != (len(codes), parameters["latent_dim"]) or codes.shape != rows.shape or weights:
        raise ValueError("the labelled rows' embeddings and labels do not fit together")
    if len(codes) and not (codes.min() >= 0 and codes.max() < len(classes)):
        raise ValueError("a labelled row has a class that the model does not have")
    embedder.labelled_embeddings_, embedder.labelled_codes_, embedder.labelled_rows_ = Z, codes, rows
    embedder.classes_ = classes
    embedder.n_features_in_ = body.n_features_in
    if body.feature_names_in is not None:
        embedder.feature_names_in_ = np.array(body.feature_names_in, dtype=object)
    embedder.seed_, embedder.n_epochs_, embedder.fit_seconds_ = body.seed, body.n_epochs, body.fit_seconds
    embedder.best_epoch_, embedder.stopped_ = body.best_epoch, body.stopped
    embedder.history_ = [{k: float("nan") if v is None else v for k, v in row.items()} for row in body.history]
    return embedder


def _adopt(module: torch.nn.Module, prefix: str, weights: dict[str, Tensor]) -> None:
    """Give the module the file's tensors, taken out of ``weights``; names and shapes must be the module's own."""
    names = [name for name in weights if name.startswith(prefix)]
    state = {name.removeprefix(prefix): weights.pop(name) for name in names}
    expected = {name: (tuple(t.shape), t.dtype) for name, t in module.state_dict().items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in state.items()}
    if expected != found:
        first = next(name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name))
        raise ValueError(f"{prefix}{first} has shape {found.get(first)}, expected {expected.get(first)}")
    module.load_state_dict(state, assign=True)
