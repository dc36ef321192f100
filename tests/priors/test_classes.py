"""The prior that knows labels: labelled rows to their own class, exactly; the others to the mixture, by sampling."""

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from semimetric.priors import KL_ESTIMATORS, ClassPrior, MixturePrior

Y = torch.tensor([0, 3, -1, 1, -1, 2, 0])


@pytest.fixture
def classes(make_prior, seeded):
    return make_prior("classes")


def full(mean, log_variance):
    return MultivariateNormal(mean, torch.diag_embed(log_variance.exp()))


def test_labelled_rows_get_the_closed_form_and_others_the_sampled_one(classes, posterior):
    z = posterior.rsample()
    found = classes.kl(posterior, z, Y)
    own = full(classes.means[Y.clamp(0)], classes.log_variances[Y.clamp(0)])
    exact = kl_divergence(full(posterior.mean, posterior.variance.log()), own)
    sampled = posterior.log_prob(z) - MixturePrior.log_prob(classes, z)
    torch.testing.assert_close(found, torch.where(Y == -1, sampled, exact), rtol=1e-10, atol=1e-10)


def test_by_hand(gaussian):
    """Half the squared distance to one's own class's mean, for unit variances: ½·1 and ½·(4 + 9)."""
    prior = ClassPrior(2, 2)
    prior.load_state_dict(prior.state_dict() | {"means": torch.tensor([[1.0, 0.0], [0.0, -2.0]])})
    q = gaussian(torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.zeros(2, 2))
    assert prior.kl(q, q.mean, torch.tensor([0, 1])).tolist() == pytest.approx([0.5, 6.5], rel=1e-6)


def test_densities(classes):
    z = torch.randn(7, 3, dtype=torch.float64)
    found = classes.log_prob(z, Y)
    for row, y in enumerate(Y.tolist()):
        own = full(classes.means[y], classes.log_variances[y]).log_prob(z[row]) if y >= 0 else classes.log_prob(z)[row]
        torch.testing.assert_close(found[row], own, rtol=1e-10, atol=1e-10)


def test_without_labels_it_is_a_mixture(classes, posterior):
    z = posterior.rsample()
    nobody = torch.full((7,), -1)
    plain = MixturePrior(classes.means.detach(), classes.log_variances.detach(), classes.logits.detach())
    for y in (None, nobody):
        assert classes.kl(posterior, z, y).equal(plain.kl(posterior, z))
        assert classes.log_prob(z, y).equal(plain.log_prob(z))


def test_labelled_rows_do_not_look_at_the_sample(classes, posterior):
    z = posterior.rsample()
    found, moved = classes.kl(posterior, z, Y), classes.kl(posterior, z + 3, Y)
    assert ((found == moved) == (Y != -1)).all()


def test_a_labelled_row_moves_its_own_class_only(classes, posterior):
    classes.kl(posterior, posterior.rsample(), torch.full((7,), 2)).sum().backward()
    for parameter in (classes.means, classes.log_variances):
        assert (parameter.grad[2] != 0).all()
        assert (parameter.grad[[0, 1, 3]] == 0).all()
    assert (classes.logits.grad == 0).all()


def test_gradient_of_labelled_rows_by_hand(classes, gaussian):
    """∂KL/∂μ = (μ − m_y)/v_y and ∂KL/∂log σ² = ½(σ²/v_y − 1)."""
    mean, log_variance = (values.requires_grad_() for values in torch.randn(2, 4, 3, dtype=torch.float64))
    q, y = gaussian(mean, log_variance), torch.tensor([1, 1, 3, 0])
    by_mean, by_spread = torch.autograd.grad(classes.kl(q, q.rsample(), y).sum(), [mean, log_variance])
    m, v = classes.means[y], classes.log_variances[y].exp()
    torch.testing.assert_close(by_mean, ((mean - m) / v), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(by_spread, (log_variance.exp() / v - 1) / 2, rtol=1e-10, atol=1e-10)


def test_far_rows_have_finite_gradients(classes, gaussian):
    """The branch not taken must not poison the other through `where`."""
    mean = torch.full((2, 3), 1e4, dtype=torch.float64, requires_grad=True)
    q = gaussian(mean, torch.zeros(2, 3, dtype=torch.float64))
    classes.kl(q, q.rsample(), torch.tensor([1, -1])).sum().backward()
    assert mean.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in classes.parameters())


def test_monte_carlo_conditions_on_labels_too(classes, posterior):
    z = posterior.rsample()
    expected = posterior.log_prob(z) - classes.log_prob(z, Y)
    assert KL_ESTIMATORS["monte-carlo"](classes, posterior, z, Y).equal(expected)


def test_it_learns_everything_and_says_that_it_reads_labels():
    prior = ClassPrior(3, 2, -1.0)
    assert prior.uses_labels
    assert [name for name, _ in prior.named_parameters()] == ["means", "log_variances", "logits"]
    assert (prior.log_variances == -1).all()
    assert torch.pdist(prior.means.detach()).tolist() == pytest.approx([4.0] * 3, rel=1e-5)


def test_no_class_at_all_leaves_one_component(posterior):
    prior = ClassPrior(0, 3).double()
    assert prior.means.shape == (1, 3)
    assert prior.kl(posterior, posterior.rsample(), torch.full((7,), -1)).isfinite().all()
