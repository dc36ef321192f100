"""Every distance against a loop over pairs, its invariances, and what floating point could do to it."""

import math

import pytest
import torch

from semimetric.geometry import DISTANCES, Cosine, InnerProduct, Lp, SquaredEuclidean, get_distance, paired


def minkowski(p):
    return lambda a, b: sum(abs(u - v) ** p for u, v in zip(a, b, strict=True)) ** (1 / p)


def cosine(a, b):
    return 1 - sum(u * v for u, v in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


TWINS = {
    "euclidean": (Lp(2), minkowski(2)),
    "manhattan": (Lp(1), minkowski(1)),
    "l1.5": (Lp(1.5), minkowski(1.5)),
    "l3": (Lp(3), minkowski(3)),
    "chebyshev": (Lp(math.inf), lambda a, b: max(abs(u - v) for u, v in zip(a, b, strict=True))),
    "squared_euclidean": (SquaredEuclidean(), lambda a, b: minkowski(2)(a, b) ** 2),
    "cosine": (Cosine(), cosine),
}
METRICS = ("euclidean", "manhattan", "l1.5", "l3", "chebyshev")
every_distance = pytest.mark.parametrize("name", TWINS)
every_metric = pytest.mark.parametrize("name", METRICS)


def points(n, d=3, dtype=torch.float64, seed=0):
    return torch.randn(n, d, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@every_distance
def test_equals_its_naive_twin(name):
    distance, twin = TWINS[name]
    a, b = points(5), points(4, seed=1)
    expected = [[twin(u, v) for v in b.tolist()] for u in a.tolist()]
    torch.testing.assert_close(distance(a, b), torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("euclidean", 5.0), ("squared_euclidean", 25.0), ("manhattan", 7.0), ("cosine", 1 - 11 / (5 * math.sqrt(5)))],
)
def test_hand_computed_under_its_public_name(name, expected):
    d = get_distance(name)(torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 6.0], [3.0, 4.0]]))
    column = 1 if name == "cosine" else 0  # (1, 2)·(3, 4) = 11, of lengths √5 and 5
    assert d[0, column].item() == pytest.approx(expected, rel=1e-6)


@every_distance
def test_symmetric_with_a_zero_diagonal(name):
    distance = TWINS[name][0]
    a, b = points(6), points(4, seed=1)
    torch.testing.assert_close(distance(a, b), distance(b, a).T, rtol=0, atol=1e-15)
    torch.testing.assert_close(distance(a).diagonal(), torch.zeros(6, dtype=torch.float64), rtol=0, atol=1e-15)
    torch.testing.assert_close(distance(a), distance(a, a.clone()), rtol=0, atol=0)


@every_metric
def test_the_triangle_inequality_holds(name):
    d = TWINS[name][0](points(20))
    detour = (d[:, :, None] + d[None, :, :]).min(dim=1).values  # the shortest way by one stop
    assert (d <= detour + 1e-12).all()


@pytest.mark.parametrize("name", [*METRICS, "squared_euclidean"])
def test_a_translation_changes_nothing(name):
    a, b, shift = points(6), points(5, seed=1), points(1, seed=2)
    distance = TWINS[name][0]
    torch.testing.assert_close(distance(a + shift, b + shift), distance(a, b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["euclidean", "squared_euclidean", "cosine"])
def test_a_rotation_changes_nothing(name):
    rotation, _ = torch.linalg.qr(points(3, seed=3))
    a, b = points(6), points(5, seed=1)
    distance = TWINS[name][0]
    torch.testing.assert_close(distance(a @ rotation, b @ rotation), distance(a, b), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("factor", [1e-6, 3.0, 1e6])
def test_scale(factor):
    """Directions do not know it; the metrics follow it."""
    a, b = points(6), points(5, seed=1)
    torch.testing.assert_close(Cosine()(factor * a, b), Cosine()(a, b), rtol=1e-12, atol=1e-12)
    for name in METRICS:
        distance = TWINS[name][0]
        torch.testing.assert_close(distance(factor * a, factor * b), factor * distance(a, b), rtol=1e-12, atol=0)


@every_distance
def test_gradient_by_finite_differences(name):
    a, b = points(4).requires_grad_(), points(3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(TWINS[name][0], (a, b))


@every_distance
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_coinciding_points_pull_and_push_nothing(name, dtype):
    a = torch.tensor([[1.0, 2.0], [1.0, 2.0], [-3.0, 0.5]], dtype=dtype, requires_grad=True)
    d = TWINS[name][0](a)
    assert d[0, 1].item() == pytest.approx(0, abs=1e-6)
    (grad,) = torch.autograd.grad(d[0, 1] + d[0, 0], a, retain_graph=True)
    torch.testing.assert_close(grad, torch.zeros_like(grad), rtol=0, atol=1e-6)
    d.sum().backward()
    assert a.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_zero_vector_is_at_cosine_distance_one_and_its_gradient_is_finite(dtype):
    a = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]], dtype=dtype, requires_grad=True)
    d = Cosine()(a)
    assert d[0].tolist() == [1, 1, 1]
    d.sum().backward()
    assert a.grad.isfinite().all()


@pytest.mark.parametrize("name", ["euclidean", "manhattan", "l3", "chebyshev", "squared_euclidean"])
def test_neighbours_far_from_the_origin_keep_their_digits(name):
    """Embeddings of size 1e4 that differ by 1e-2: a² − 2ab + b² in float32 would be off by far more than that."""
    a = 1e4 + 1e-2 * points(20, d=10, dtype=torch.float32)
    distance = TWINS[name][0]
    d = distance(a)
    assert d.dtype == torch.float32
    torch.testing.assert_close(d.double(), distance(a.double()), rtol=1e-5, atol=1e-12)


def test_cosine_of_large_neighbours_is_zero_within_float32():
    a = 1e4 + 1e-2 * points(20, d=10, dtype=torch.float32)
    torch.testing.assert_close(Cosine()(a), torch.zeros(20, 20), rtol=0, atol=1e-6)


@every_distance
def test_autocast_does_not_reach_it(name):
    a, b = points(6, dtype=torch.float32), points(5, dtype=torch.float32, seed=1)
    distance = TWINS[name][0]
    with torch.autocast("cpu", torch.bfloat16):
        inside = distance(a, b)
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, distance(a, b), rtol=0, atol=0)


@every_distance
def test_half_precision_inputs_are_taken_to_float32(name):
    a = points(6, dtype=torch.bfloat16)
    distance = TWINS[name][0]
    torch.testing.assert_close(distance(a), distance(a.float()), rtol=0, atol=0)


@every_distance
def test_no_points_have_no_distances(name):
    assert TWINS[name][0](torch.empty(0, 3), torch.ones(2, 3)).shape == (0, 2)


@pytest.mark.parametrize("p", [0.5, 0, -1, math.nan])
def test_p_below_one_is_refused(p):
    with pytest.raises(ValueError, match=f"p must be at least 1 .* got {p!r}"):
        Lp(p)


def test_unknown_names_get_the_nearest():
    with pytest.raises(
        ValueError, match=r"unknown distance 'euclidian': did you mean 'euclidean' or .*Known: cosine, "
    ):
        get_distance("euclidian")


def test_names_and_callables_are_both_taken():
    def own(a, b=None):
        return a

    assert get_distance(own) is own
    assert {name: type(get_distance(name)) for name in DISTANCES} == {
        "euclidean": Lp,
        "squared_euclidean": SquaredEuclidean,
        "manhattan": Lp,
        "cosine": Cosine,
    }


@pytest.mark.parametrize(
    "distance",
    [Lp(1), Lp(2), Lp(3), SquaredEuclidean(), Cosine(), InnerProduct()],
    ids=["L1", "L2", "L3", "squared", "cosine", "inner product"],
)
def test_paired_is_the_diagonal(distance):
    a, b = torch.randn(2, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    b[2], a[3] = a[2], 0.0
    found = [t.requires_grad_() for t in (a.clone(), b.clone())]
    expected = [t.requires_grad_() for t in (a.clone(), b.clone())]
    value = paired(distance, *found)
    torch.testing.assert_close(value, distance(*expected).diagonal(), rtol=1e-12, atol=1e-12)
    assert torch.equal(paired(lambda x, y: distance(x, y), a, b), distance(a, b).diagonal())
    value.sum().backward()
    distance(*expected).diagonal().sum().backward()
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=1e-12)
