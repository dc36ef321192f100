"""The losses with parameters per class: value and every gradient against a loop over rows, numbers by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semimetric.losses import CenterLoss, NormalisedSoftmaxLoss, SoftmaxLoss

Y = [0, 0, 1, -1, 1, 2, 0, -1, 3]
W = [1.0, 0.5, 2.0, 1.0, 0.0, 3.0, 1.5, 2.0, 1.0]


def mean_over_rows(z, y, weights, loss_of_row):
    total, count = z.sum() * 0, 0.0
    for i, label in enumerate(y):
        if label != -1:
            weight = 1.0 if weights is None else float(weights[i])
            total, count = total + weight * loss_of_row(z[i], label), count + weight
    return total / count if count else total


def cross_entropy(z, label, W, b):
    logits = [sum(W[k, j] * z[j] for j in range(len(z))) + b[k] for k in range(len(b))]
    return sum(logit.exp() for logit in logits).log() - logits[label]


def to_centre(z, label, centers):
    return 0.5 * sum((z[j] - centers[label, j]) ** 2 for j in range(len(z)))


def softmax_and_its_twin(seed=0):
    torch.manual_seed(seed)
    loss = SoftmaxLoss(4, 3).double()
    W, b = loss.parameters()
    return loss, lambda z, y, w: mean_over_rows(z, y, w, lambda z, y: cross_entropy(z, y, W, b))


def normalised_softmax_and_its_twin(seed=0):
    torch.manual_seed(seed)
    loss = NormalisedSoftmaxLoss(4, 3, temperature=0.5).double()

    def one(z, label):
        def length(a):
            return sum(v**2 for v in a).sqrt()

        cosines = [sum(z[j] * w[j] for j in range(len(z))) / length(z) / length(w) for w in loss.proxies]
        return sum((cosine / 0.5).exp() for cosine in cosines).log() - cosines[label] / 0.5

    return loss, lambda z, y, w: mean_over_rows(z, y, w, one)


def center_and_its_twin(seed=0):
    torch.manual_seed(seed)
    loss = CenterLoss(4, 3, center_weight=0.3, softmax_weight=0.7).double()
    W, b, c = loss.softmax.linear.weight, loss.softmax.linear.bias, loss.centers

    def one(z, y):
        return 0.7 * cross_entropy(z, y, W, b) + 0.3 * to_centre(z, y, c)

    return loss, lambda z, y, w: mean_over_rows(z, y, w, one)


TWINS = [softmax_and_its_twin, normalised_softmax_and_its_twin, center_and_its_twin]
each = pytest.mark.parametrize("loss_and_twin", TWINS)


@each
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_its_naive_twin(loss_and_twin, weighted, embeddings, value_and_gradients, assert_same):
    (loss, naive), z = loss_and_twin(), embeddings(len(Y))
    weights = torch.tensor(W, dtype=torch.float64) if weighted else None
    expected = value_and_gradients(naive, z, Y, weights, parameters=loss.parameters())
    assert_same(value_and_gradients(loss, z, torch.tensor(Y), weights, parameters=loss.parameters()), expected)
    assert all((gradient != 0).any() for gradient in expected)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    y=st.lists(st.integers(-1, 3), max_size=7),
    seed=st.integers(0, 1000),
    loss_and_twin=st.sampled_from(TWINS),
)
def test_any_labels_at_all(y, seed, loss_and_twin, embeddings, value_and_gradients, assert_same):
    (loss, naive), z = loss_and_twin(seed), embeddings(len(y), 3, seed)
    labels = torch.tensor(y, dtype=torch.long)
    found = value_and_gradients(loss, z, labels, parameters=loss.parameters())
    if (labels == -1).all():
        assert not any(each.any() for each in found)
    else:
        assert_same(found, value_and_gradients(naive, z, y, None, parameters=loss.parameters()))
    assert (found[1][labels == -1] == 0).all()


def test_softmax_by_hand():
    """Logits (0, log 3) and (0, 0): the second class has probability ¾ and ½."""
    loss = SoftmaxLoss(2, 1)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[0.0], [math.log(3)]]))
        loss.linear.bias.zero_()
    value = loss(torch.tensor([[1.0], [0.0]]), torch.tensor([1, 1])).item()
    assert value == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_softmax_falls_as_it_is_trained(embeddings):
    torch.manual_seed(0)
    loss, z, y = SoftmaxLoss(3, 3), embeddings(9).float(), torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2])
    z += 5 * torch.eye(3)[y]
    optimiser = torch.optim.Adam(loss.parameters(), 0.1)
    for _ in range(200):
        optimiser.zero_grad()
        value = loss(z, y)
        value.backward()
        optimiser.step()
    assert value < 0.01


def test_the_pure_center_loss_by_hand(value_and_gradients):
    """Centres at 0 and 1; rows at 3 and 1 of class 0, at 1 of class 1: ½ · (9 + 1 + 0) / 3, weighing 2."""
    loss = CenterLoss(2, 1, center_weight=2.0, softmax_weight=0.0)
    with torch.no_grad():
        loss.centers.copy_(torch.tensor([[0.0], [1.0]]))
    z, y = torch.tensor([[3.0], [1.0], [1.0]]), torch.tensor([0, 0, 1])
    value, of_z, of_centers = value_and_gradients(loss, z, y, parameters=[loss.centers])
    assert value.item() == pytest.approx(2 * 5 / 3)
    assert of_z.flatten().tolist() == pytest.approx([2.0, 2 / 3, 0.0])
    assert of_centers.flatten().tolist() == pytest.approx([-8 / 3, 0.0])


def test_centres_move_to_their_classes_means():
    loss = CenterLoss(2, 1, center_weight=1.0, softmax_weight=0.0)
    z, y = torch.tensor([[3.0], [1.0], [7.0]]), torch.tensor([0, 0, 1])
    optimiser = torch.optim.SGD(loss.parameters(), 1.0)
    for _ in range(100):
        optimiser.zero_grad()
        loss(z, y).backward()
        optimiser.step()
    assert loss.centers.flatten().tolist() == pytest.approx([2.0, 7.0], rel=1e-5)


def test_without_its_centre_term_it_is_the_softmax_loss(embeddings):
    loss, z = CenterLoss(4, 3, center_weight=0.0).double(), embeddings(len(Y))
    assert loss(z, torch.tensor(Y)) == loss.softmax(z, torch.tensor(Y))


def test_centres_start_apart():
    assert torch.pdist(CenterLoss(10, 2).centers).min() > 0


@pytest.mark.parametrize("loss", [SoftmaxLoss, CenterLoss])
def test_no_classes_at_all_still_construct(loss, value_and_gradients):
    built, z = loss(0, 3), torch.randn(4, 3)
    found = value_and_gradients(built, z, torch.full((4,), -1), parameters=built.parameters())
    assert not any(each.any() for each in found)


@pytest.mark.parametrize("name", ["center_weight", "softmax_weight"])
def test_a_negative_weight_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name} must be at least 0, got -0\.5"):
        CenterLoss(2, 2, **{name: -0.5})


def test_clusters_are_taken_in_as_directions_that_are_not_learned():
    loss, _ = normalised_softmax_and_its_twin()
    whole = NormalisedSoftmaxLoss(6, 3, temperature=0.5).double()
    centres = whole.proxies.detach()[4:] * 3
    with torch.no_grad():
        whole.proxies[:4] = loss.proxies
    z, y = torch.randn(9, 3, dtype=torch.float64), torch.tensor([*Y[:7], 5, 4])
    plain = loss(z, torch.tensor(Y))
    loss.take_in(centres, 4)
    torch.testing.assert_close(loss(z, y), whole(z, y))
    loss(z, y).backward()
    whole(z, y).backward()
    torch.testing.assert_close(loss.proxies.grad, whole.proxies.grad[:4])
    assert list(loss.state_dict()) == ["proxies"]
    larger = NormalisedSoftmaxLoss(9, 3, temperature=0.5).double()  # for classes that no row has, clusters stand in
    with torch.no_grad():
        larger.proxies[:4] = loss.proxies
    larger.take_in(centres, 4)
    torch.testing.assert_close(larger(z, y), whole(z, y))
    loss.take_in(centres[:0], 4)
    assert loss(z, torch.tensor(Y)) == plain


def test_a_subclass_takes_in_no_clusters_unless_it_says_so():
    """It may have something of each class that `take_in` knows nothing of."""

    class WithMargin(NormalisedSoftmaxLoss):
        pass

    class WithDirections(NormalisedSoftmaxLoss):
        takes_in = True

    assert [loss.takes_in for loss in (NormalisedSoftmaxLoss, WithMargin, WithDirections)] == [True, False, True]
