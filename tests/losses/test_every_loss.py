"""What holds of every registered loss: the rule of −1, batches with nothing in them, extremes, order, weights."""

import pytest
import torch

from semimetric.losses import LOSSES, LossSetting, MetricLoss, get_loss

SETTING = LossSetting(latent_dim=3, n_classes=4, margin=0.5, distance="euclidean")
Y = torch.tensor([0, 0, 1, -1, 1, 2, 0, -1, 2, 3])
LABELLED = Y != -1
PER_ROW = ["center", "softmax", "normalised-softmax"]  # these need no pairs
COUNTED = ["n-pair", "nt-xent", "supervised-contrastive"]  # weights count rows inside a sum, so their scale matters
each_loss = pytest.mark.parametrize("name", LOSSES)
each_but_random = pytest.mark.parametrize("name", [name for name in LOSSES if name != "random-triplet"])

pytestmark = pytest.mark.usefixtures("each_way")


@pytest.fixture
def results(value_and_gradients):
    """A function: value and gradients, with respect to z and to what is learned, under a fixed seed."""

    def of(name, z, y, weights=None, setting=SETTING):
        torch.manual_seed(0)
        loss = get_loss(name, setting).to(z.dtype if z.dtype == torch.float64 else torch.float32)
        torch.manual_seed(1)
        return value_and_gradients(loss, z, y, weights, parameters=loss.parameters())

    return of


@each_loss
def test_every_name_builds_a_metric_loss_even_with_nothing_labelled(name):
    for n_classes in (0, 4):
        loss = get_loss(name, LossSetting(3, n_classes, 0.5, "cosine"))
        assert isinstance(loss, MetricLoss)
        assert isinstance(loss.for_monitoring(), MetricLoss)


def test_names_lead_to_their_losses():
    assert {name: type(get_loss(name, SETTING)).__name__ for name in LOSSES} == {
        "triplet": "TripletLoss",
        "random-triplet": "RandomTripletLoss",
        "contrastive": "ContrastiveLoss",
        "center": "CenterLoss",
        "softmax": "SoftmaxLoss",
        "normalised-softmax": "NormalisedSoftmaxLoss",
        "n-pair": "NPairLoss",
        "nt-xent": "NTXentLoss",
        "supervised-contrastive": "SupervisedContrastiveLoss",
    }


@pytest.mark.parametrize("name", ["triplet", "random-triplet", "contrastive"])
def test_margin_and_distance_arrive(name):
    loss = get_loss(name, LossSetting(3, 4, 0.7, "manhattan"))
    assert (loss.margin, loss.distance.p) == (0.7, 1)


@pytest.mark.parametrize("name", PER_ROW)
def test_classes_and_dimensions_arrive(name):
    shapes = {tuple(parameter.shape) for parameter in get_loss(name, SETTING).parameters()}
    assert (4, 3) in shapes


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match=r"unknown loss 'tripet': did you mean 'triplet'"):
        get_loss("tripet", SETTING)


@each_loss
@pytest.mark.parametrize("value", [1e6, float("inf"), float("nan")])
def test_unlabelled_rows_take_no_part(name, value, embeddings, results, assert_same):
    z = embeddings(len(Y))
    expected = results(name, z, Y)
    assert (expected[1][~LABELLED] == 0).all()
    assert (expected[1][LABELLED] != 0).any()
    moved = z.clone()
    moved[~LABELLED] = value
    assert_same(results(name, moved, Y), expected, 0)
    smaller = results(name, z[LABELLED], Y[LABELLED])
    assert_same([expected[0], expected[1][LABELLED], *expected[2:]], smaller, 0)
    weights = torch.ones(len(Y), dtype=z.dtype)
    weights[~LABELLED] = value
    assert_same(results(name, z, Y, weights), expected)


@each_loss
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("y", [[-1, -1, -1, -1], [-1], []], ids=str)
def test_nothing_labelled_is_zero_with_zero_gradients(name, weighted, y, embeddings, results):
    labels = torch.tensor(y, dtype=torch.long)
    weights = torch.ones(len(y)) if weighted else None
    found = results(name, embeddings(4)[: len(y)], labels, weights)
    assert not any(each.any() for each in found)


@each_loss
def test_weights_of_zero_are_nothing_labelled(name, embeddings, results):
    found = results(name, embeddings(len(Y)), Y, torch.zeros(len(Y)))
    assert not any(each.any() for each in found)


@each_loss
@pytest.mark.parametrize("y", [[0, 1, 2, 3], [0, -1, 1, -1], [0], [3, 3, 3, 3], [0, 0, -1, -1]], ids=str)
def test_a_batch_without_triplets(name, y, embeddings, results):
    """Singletons, or one class: zero where the loss needs pairs of that kind; never anything but finite."""
    found = results(name, embeddings(4)[: len(y)], torch.tensor(y))
    assert all(each.isfinite().all() for each in found)
    one_class = len({*y} - {-1}) == 1 and len(y) > 1
    has_its_pairs = (
        name in PER_ROW
        or (name == "supervised-contrastive" and one_class)
        or (name == "contrastive" and sum(label != -1 for label in y) > 1)
    )
    if not has_its_pairs:
        assert not any(each.any() for each in found)


@each_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "z",
    [torch.zeros(10, 3), torch.full((10, 3), 1.5), torch.full((10, 3), 1e4), torch.full((10, 3), 1e-30)],
    ids=["zero", "a point", "a far point", "almost zero"],
)
def test_coincident_points_are_finite(name, dtype, z, results):
    assert all(each.isfinite().all() for each in results(name, z.to(dtype), Y))


@each_loss
@pytest.mark.parametrize("distance", ["euclidean", "squared_euclidean", "manhattan", "cosine"])
def test_large_embeddings_are_finite(name, distance, embeddings, results):
    z = 1e4 * embeddings(len(Y)).float().clamp(-1, 1)
    z[1] = z[0]
    setting = LossSetting(3, 4, 0.5, distance)
    assert all(each.isfinite().all() for each in results(name, z, Y, setting=setting))


@each_but_random
def test_gradients_by_finite_differences(name, embeddings):
    loss = get_loss(name, SETTING).double()
    w = embeddings(len(Y), 1, seed=1).abs().flatten()
    assert torch.autograd.gradcheck(lambda z: loss(z, Y, w), embeddings(len(Y)).requires_grad_())


@each_loss
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_bfloat16_is_finite(name, scale, embeddings, results):
    z = (scale * embeddings(len(Y)).clamp(-1, 1)).bfloat16()
    z[1] = z[0]
    assert all(each.isfinite().all() for each in results(name, z, Y))


@each_but_random
def test_the_order_of_rows_does_not_matter(name, embeddings, results, assert_same):
    z, w = embeddings(len(Y)), embeddings(len(Y), 1, seed=1).abs().flatten()
    order = torch.randperm(len(Y), generator=torch.Generator().manual_seed(0))
    value, gradient, *rest = results(name, z, Y, w)
    assert_same(results(name, z[order], Y[order], w[order]), [value, gradient[order], *rest])


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in [*PER_ROW, "random-triplet"]])
def test_the_names_of_classes_do_not_matter(name, embeddings, results, assert_same):
    z = embeddings(len(Y))
    renamed = torch.tensor([{-1: -1, 0: 9, 1: 0, 2: 4, 3: 10**12}[label] for label in Y.tolist()])
    assert_same(results(name, z, renamed), results(name, z, Y))


@each_loss
def test_weights_of_one_are_no_weights(name, embeddings, results, assert_same):
    z = embeddings(len(Y))
    assert_same(results(name, z, Y, torch.ones(len(Y))), results(name, z, Y))


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in COUNTED])
def test_the_scale_of_weights_does_not_matter(name, embeddings, results, assert_same):
    z = embeddings(len(Y))
    assert_same(results(name, z, Y, torch.full((len(Y),), 7.0)), results(name, z, Y))


@each_but_random
@pytest.mark.parametrize("row", [0, 2, 5, 9])
def test_a_weight_of_zero_removes_the_row(name, row, embeddings, results, assert_same):
    z, rest = embeddings(len(Y)), torch.arange(len(Y)) != row
    value, gradient, *others = results(name, z, Y, rest.double())
    assert (gradient[row] == 0).all()
    assert_same([value, gradient[rest], *others], results(name, z[rest], Y[rest]))


@each_loss
def test_autocast_does_not_reach_it(name, embeddings):
    """Inside, embeddings of bfloat16 give what the same numbers in float32 give outside."""
    z = embeddings(len(Y)).bfloat16()
    loss = get_loss(name, SETTING)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        inside = loss(z, Y)
    torch.manual_seed(1)
    outside = loss(z.float(), Y)
    assert inside.dtype == torch.float32
    assert inside == outside


@each_loss
def test_for_monitoring_is_the_same_number_every_time(name, embeddings):
    z, loss = embeddings(len(Y)).float(), get_loss(name, SETTING).for_monitoring()
    assert loss(z, Y) == loss(z, Y) > 0


@each_loss
@pytest.mark.parametrize(
    ("z", "y", "weights", "given"),
    [
        ((4,), (4,), None, r"z \(4,\), y \(4,\)"),
        ((4, 3), (3,), None, r"z \(4, 3\), y \(3,\)"),
        ((4, 3), (4, 1), None, r"z \(4, 3\), y \(4, 1\)"),
        ((4, 3), (4,), (3,), r"z \(4, 3\), y \(4,\), weights \(3,\)"),
    ],
)
def test_wrong_shapes_are_refused(name, z, y, weights, given):
    weights = None if weights is None else torch.ones(weights)
    with pytest.raises(ValueError, match=rf"z must have shape \(n, d\), y and weights \(n,\), got {given}"):
        get_loss(name, SETTING)(torch.zeros(z), torch.zeros(y, dtype=torch.long), weights)


@pytest.mark.parametrize("name", ["triplet", "contrastive"])
def test_what_is_active_is_watched_as_the_mean_over_all(name):
    loss = get_loss(name, SETTING)
    assert (loss.reduction, loss.for_monitoring().reduction) == ("active", "all")
