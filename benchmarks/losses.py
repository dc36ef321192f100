"""The losses alone: forward and backward, float32, on random embeddings with balanced labels."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.machine import version
from benchmarks.measure import Row, Setting, compare, exponent, quartiles, repeatedly, take_turns
from benchmarks.memory import added_peak
from semimetric.losses import (
    ContrastiveLoss,
    NPairLoss,
    NTXentLoss,
    RandomTripletLoss,
    SupervisedContrastiveLoss,
    TripletLoss,
)

DIMENSIONS = 32
MARGIN = 0.2
PML = "pytorch-metric-learning"
BATCHES = (32, 64, 128, 256, 512)
SHARES = ("2", "3", "5", "10", "B/4", "B/2")  # numbers of classes; of B rows
SIZES = (512, 1024, 2048, 4096)
LARGEST = 16_384
OTHERS = ("contrastive", "n-pair", "nt-xent", "supervised-contrastive", "random-triplet")
CUBIC = ("n-pair", "nt-xent")  # at PML: it holds a row for every positive pair
TIMES_FASTER = {1024: 60.0, 256: 8.0}  # what we set out to be, by batch size
TIMES_SMALLER = 25.0

Loss = Callable[[Tensor, Tensor], Tensor]


def triplet(setting: Setting, batches: Sequence[int] = (1024, 256)) -> list[Row]:
    """Return the all-triplets loss beside PML's: speed, and at the first batch size memory."""
    rows = []
    for number, batch in enumerate(batches):
        what = f"triplet loss, B = {batch:,}, C = 10"
        bar = (">=", TIMES_FASTER[batch]) if batch in TIMES_FASTER else None
        rows.append(_beside_pml(what, "triplet", batch, 10, setting, bar))
        if number == 0 and not rows[0].note:
            a, b = (
                added_peak(
                    "benchmarks.losses:triplet_step",
                    {"library": library, "batch": batch, "classes": 10},
                    setting.device,
                    setting.threads,
                )
                for library in ("semimetric", PML)
            )
            # At small sizes growth may be less than a page.
            smaller = (">=", TIMES_SMALLER) if bar else None
            rows.append(Row(f"{what}: peak added memory", [max(a, 4096)], [max(b, 4096)], PML, "bytes", bar=smaller))
    return rows


def triplet_grid(setting: Setting, batches: Sequence[int] = BATCHES, shares: Sequence[str] = SHARES) -> list[Row]:
    """Return the same ratio over batch sizes and numbers of classes."""
    rows = []
    for batch in batches:
        for share in shares:
            classes = batch // int(share[2:]) if share.startswith("B/") else int(share)
            row = _beside_pml(f"B = {batch}, C = {classes}", "triplet", batch, classes, setting, (">=", 0.9))
            row.extra = {"batch": batch, "classes": share}
            rows.append(row)
    return rows


def triplet_scaling(setting: Setting, sizes: Sequence[int] = SIZES, largest: int | None = LARGEST) -> list[Row]:
    """Return seconds of the triplet loss by batch size, the fitted exponents, and one batch that is very large."""
    rows = []
    for told, classes_of in (("2", lambda b: 2), ("10", lambda b: 10), ("B/2", lambda b: b // 2)):
        steps = [repeatedly(triplet_step("semimetric", b, classes_of(b), setting.device)) for b in sizes]
        found = take_turns(steps, setting, f"scaling, C = {told}")
        rows += [Row(f"B = {b:,}, C = {told}", seconds) for b, seconds in zip(sizes, found, strict=True)]
        power = exponent(sizes, [quartiles(seconds)[1] for seconds in found])
        rows.append(Row(f"exponent, C = {told}", [power], unit="number", bar=("<=", 2.4)))
    if largest is not None:
        arguments = {"library": "semimetric", "batch": largest, "classes": 10}
        what = f"B = {largest:,}, C = 10"
        run = repeatedly(triplet_step(**arguments, device=setting.device))
        few = replace(setting, repeats=min(setting.repeats, 3))  # it is no ratio, and takes half a minute
        rows.append(Row(what, take_turns([run], few, what)[0]))
        added = added_peak("benchmarks.losses:triplet_step", arguments, setting.device, setting.threads)
        rows.append(Row(f"{what}: peak added memory", [added], unit="bytes", bar=("<=", 1.5e9)))
    return rows


def other_losses(setting: Setting, batch: int = 1024, beside: int = 128) -> list[Row]:
    """Return what the other losses cost at one batch size, and beside PML's (at a smaller one where that is cubic)."""
    rows = []
    for name in OTHERS:
        for classes in (10, 2):
            what = f"{name}, B = {batch:,}, C = {classes}"
            z, y = embeddings(batch, classes, setting.device)
            run = repeatedly(forward_and_backward(our_loss(name, batch, classes), z, y))
            bar = ("<=", 0.1) if name in ("nt-xent", "supervised-contrastive") else None
            rows.append(Row(what, take_turns([run], setting, what)[0], bar=bar))
    for name in OTHERS:
        at = beside if name in CUBIC else batch
        rows.append(_beside_pml(f"{name}, B = {at:,}, C = 10", name, at, 10, setting))
    return rows


def embeddings(batch: int, classes: int, device: str) -> tuple[Tensor, Tensor]:
    """Return normal embeddings (batch, 32), all classes alike, and shuffled labels, as many of each class (± 1)."""
    generator = torch.Generator().manual_seed(batch + classes)
    z = torch.randn(batch, DIMENSIONS, generator=generator)
    y = (torch.arange(batch) % classes)[torch.randperm(batch, generator=generator)]
    return z.to(device).requires_grad_(), y.to(device)


def forward_and_backward(loss: Loss, z: Tensor, y: Tensor) -> Callable[[], Tensor]:
    """Return the step that is timed."""

    def step() -> Tensor:
        z.grad = None
        value = loss(z, y)
        value.backward()
        return value

    return step


def triplet_step(library: str, batch: int, classes: int, device: str) -> Callable[[], Tensor]:
    """Return one library's triplet loss as a step, warmed up on a small batch."""
    loss = (our_loss if library == "semimetric" else pml_loss)("triplet", batch, classes)
    forward_and_backward(loss, *embeddings(16, 2, device))()
    return forward_and_backward(loss, *embeddings(batch, classes, device))


def our_loss(name: str, batch: int, classes: int) -> Loss:
    """Return the library's loss; random triplets are one for each row."""
    if name == "triplet":
        return TripletLoss(margin=MARGIN)
    if name == "contrastive":
        return ContrastiveLoss(margin=1.0)
    if name == "n-pair":
        return NPairLoss(l2_weight=0.0)
    if name == "nt-xent":
        return NTXentLoss(temperature=0.1)
    if name == "supervised-contrastive":
        return SupervisedContrastiveLoss(temperature=0.1)
    return RandomTripletLoss(margin=MARGIN, per_class=batch // classes)


def pml_loss(name: str, batch: int, classes: int) -> Loss:
    """Return its counterpart of pytorch-metric-learning: the same value but for "contrastive" and "random-triplet"."""
    from pytorch_metric_learning import distances, losses

    euclidean = distances.LpDistance(normalize_embeddings=False)
    if name == "triplet":
        return losses.TripletMarginLoss(margin=MARGIN, distance=euclidean)  # mean over the active: AvgNonZeroReducer
    if name == "contrastive":
        return losses.ContrastiveLoss(pos_margin=0, neg_margin=1, distance=euclidean)  # D and not ½ D²
    if name == "n-pair":
        inner_product = distances.DotProductSimilarity(normalize_embeddings=False)
        return losses.NTXentLoss(temperature=1.0, distance=inner_product)
    if name == "nt-xent":
        return losses.NTXentLoss(temperature=0.1)
    if name == "supervised-contrastive":
        return losses.SupConLoss(temperature=0.1)
    return losses.TripletMarginLoss(margin=MARGIN, distance=euclidean, triplets_per_anchor=1)


def check_agreement(name: str, batch: int, classes: int, device: str) -> None:
    """Raise a RuntimeError unless the two libraries give one value and one gradient."""
    found = []
    for make in (our_loss, pml_loss):
        z, y = embeddings(batch, classes, device)
        value = forward_and_backward(make(name, batch, classes), z, y)()
        assert z.grad is not None
        found.append((value.detach(), z.grad))
    for what, a, b, tolerance in zip(("value", "gradient"), *found, (1e-4, 1e-3), strict=True):
        if not (a - b).norm() <= tolerance * b.norm():
            raise RuntimeError(
                f"the two {name} losses differ in {what} at B = {batch}, C = {classes}: norm of the difference "
                f"{float((a - b).norm()):.3g}, of the {what} {float(b.norm()):.3g}"
            )


def _beside_pml(
    what: str, name: str, batch: int, classes: int, setting: Setting, bar: tuple[str, float] | None = None
) -> Row:
    if version(PML) is None:
        return Row(what, peer=PML, note=f"{PML} is not installed")
    if name not in ("contrastive", "random-triplet"):
        check_agreement(name, batch, classes, setting.device)
    a, b = (
        repeatedly(forward_and_backward(make(name, batch, classes), *embeddings(batch, classes, setting.device)))
        for make in (our_loss, pml_loss)
    )
    return compare(what, a, b, setting, peer=PML, bar=bar)
