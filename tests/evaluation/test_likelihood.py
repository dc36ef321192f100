"""Likelihoods against linear-Gaussian models, whose marginals and posteriors are known in closed form."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, MixtureSameFamily, MultivariateNormal, kl_divergence

from semimetric.evaluation import elbo_terms, likelihood, log_likelihood
from semimetric.model import Model
from semimetric.networks import LIKELIHOODS, POSTERIORS, Decoder, Encoder
from semimetric.priors import ClassPrior, HypercubePrior, MixturePrior, UnitPrior, VampPrior
from semimetric.priors.base import gaussian
from semimetric.priors.estimators import quadrature

FEATURES, LATENT = 6, 2


class Linear:
    """p-PCA: x = W z + b + noise of variance ½ (the Gaussian decoder's), W's columns orthogonal.

    With z ~ N(0, I), x is N(b, W Wᵀ + ½ I) and z | x is N(2 Σ Wᵀ (x − b), Σ), Σ = (I + 2 Wᵀ W)⁻¹, diagonal.
    """

    def __init__(self, prior=None, shift=0.0, widen=1.0, dtype=torch.float64):
        torch.manual_seed(0)
        self.W = torch.linalg.qr(torch.randn(FEATURES, LATENT, dtype=torch.float64)).Q * torch.tensor([1.5, 0.6])
        self.b = torch.randn(FEATURES, dtype=torch.float64)
        self.covariance = torch.linalg.inv(torch.eye(LATENT) + 2 * self.W.T @ self.W)
        encode, decode = nn.Linear(FEATURES, 2 * LATENT).double(), nn.Linear(LATENT, FEATURES).double()
        with torch.no_grad():
            decode.weight.copy_(self.W)
            decode.bias.copy_(self.b)
            encode.weight.zero_()
            encode.weight[:LATENT] = 2 * self.covariance @ self.W.T
            encode.bias[:LATENT] = shift - encode.weight[:LATENT] @ self.b
            encode.bias[LATENT:] = (self.covariance.diagonal() * widen**2).log()
        encoder = Encoder(encode, POSTERIORS["gaussian"])
        prior = UnitPrior(LATENT) if prior is None else prior
        prior.attach(encoder)
        self.model = Model(encoder, Decoder(decode, LIKELIHOODS["gaussian"]()), prior).to(dtype)
        noise = torch.randn(9, FEATURES, dtype=torch.float64)
        self.x = self.b + torch.randn(9, LATENT, dtype=torch.float64) @ self.W.T + noise * math.sqrt(0.5)

    def of_gaussian(self, mean, covariance):
        """``log p(x)`` where z is N(mean, covariance)."""
        spread = self.W @ covariance @ self.W.T + 0.5 * torch.eye(FEATURES, dtype=torch.float64)
        return MultivariateNormal(self.b + self.W @ mean, spread).log_prob(self.x)

    def truth(self):
        return self.of_gaussian(torch.zeros(LATENT).double(), torch.eye(LATENT).double())

    def of_mixture(self, means, variances, weights):
        parts = [self.of_gaussian(m, v.diag()) for m, v in zip(means.double(), variances.double(), strict=True)]
        return (torch.stack(parts) + weights.double().log()[:, None]).logsumexp(0)


def replicates(model, x, n_samples, count):
    generator = torch.Generator().manual_seed(5)
    return torch.stack([log_likelihood(model, x, n_samples, seed=generator) for _ in range(count)])


def close_to(estimates, truth, errors=4.0):
    """Whether the mean of replicates (r, n) lies within so many standard errors of the truth, for every row."""
    standard_error = estimates.std(0) / math.sqrt(len(estimates))
    assert ((estimates.mean(0) - truth).abs() < errors * standard_error + 1e-12).all()


class Counted(nn.Module):
    """A network that counts the rows it is given."""

    def __init__(self, network):
        super().__init__()
        self.network, self.rows, self.largest = network, 0, 0

    def forward(self, x):
        self.rows, self.largest = self.rows + len(x), max(self.largest, len(x))
        return self.network(x)


def bernoulli_model(prior):
    torch.manual_seed(1)
    encode = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4))
    decode = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 5))
    encoder = Encoder(encode, POSTERIORS["gaussian"])
    prior.attach(encoder)
    return Model(encoder, Decoder(decode, LIKELIHOODS["bernoulli"]()), prior).double()


# The log-likelihood ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [1, 2, 37])
def test_with_the_exact_posterior_every_sample_gives_the_exact_likelihood(n_samples):
    linear = Linear()
    estimate = log_likelihood(linear.model, linear.x, n_samples)
    assert torch.allclose(estimate, linear.truth(), rtol=0, atol=1e-8)


def test_a_wrong_posterior_is_corrected_for():
    linear = Linear(shift=0.15, widen=1.4)
    estimates = replicates(linear.model, linear.x, 4_000, 30)
    # The bound's bias is −Var(w) / 2S: some 1e-4 here, against standard errors that are larger.
    close_to(estimates, linear.truth())
    assert (estimates.mean(0) - linear.truth()).abs().max() < 0.01


def test_the_bound_rises_with_the_number_of_samples_from_the_elbo_towards_the_truth():
    linear = Linear(shift=0.5, widen=2.0)
    at = {s: replicates(linear.model, linear.x, s, 4_000 // s).mean(0) for s in (1, 4, 16, 64)}
    elbo = elbo_terms(linear.model, linear.x, 4_000)["elbo"]
    assert at[1].mean() == pytest.approx(float(elbo.mean()), abs=0.1)  # the same expectation
    assert elbo.mean() + 0.2 < at[4].mean()
    assert at[4].mean() + 0.05 < at[16].mean() < at[64].mean() < linear.truth().mean() + 1e-3
    assert linear.truth().mean() - at[64].mean() < 0.05


@pytest.mark.parametrize(
    "prior",
    [
        MixturePrior(torch.tensor([[-2.0, 0.5], [1.0, 3.0]]), torch.tensor([[0.4], [-1.0]]), torch.tensor([0.3, 1.0])),
        ClassPrior(3, LATENT, log_variance=-1.0),
    ],
    ids=["mixture", "classes"],
)
def test_mixture_priors_have_the_likelihood_of_a_mixture(prior):
    linear = Linear(prior, widen=1.5)
    truth = linear.of_mixture(prior.means, prior.log_variances.exp(), prior.logits.softmax(0))
    close_to(replicates(linear.model, linear.x, 4_000, 20), truth.detach())


def test_the_hypercube_is_the_mixture_of_its_vertices():
    linear = Linear(HypercubePrior(LATENT, log_variance=-1.0), widen=1.5)
    vertices = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * LATENT)
    truth = linear.of_mixture(vertices, torch.full_like(vertices, math.exp(-1)), torch.full((4,), 0.25))
    close_to(replicates(linear.model, linear.x, 4_000, 20), truth)


def test_the_vampprior_is_the_mixture_of_posteriors_and_is_encoded_once(monkeypatch):
    monkeypatch.setattr(likelihood, "ROWS_AT_ONCE", 50)
    prior = VampPrior(4, (FEATURES,))
    linear = Linear(prior, widen=1.5)
    components = gaussian(linear.model.encoder(prior.pseudo_inputs))
    truth = linear.of_mixture(components.loc, components.scale.square(), torch.full((4,), 0.25)).detach()
    close_to(replicates(linear.model, linear.x, 1_000, 20), truth)
    linear.model.encoder.network = Counted(linear.model.encoder.network)
    log_likelihood(linear.model, linear.x, 100)
    assert linear.model.encoder.network.rows == len(linear.x) + 4


@pytest.mark.parametrize("prior", [UnitPrior(2), HypercubePrior(2)], ids=["unit", "hypercube"])
def test_equals_a_loop_over_rows_and_samples(prior):
    model = bernoulli_model(prior)
    x = torch.rand(4, 5, dtype=torch.float64).round()
    generator, weights = torch.Generator().manual_seed(3), torch.zeros(6, 4, dtype=torch.float64)
    for s in range(6):
        noise = torch.randn(4, 2, generator=generator, dtype=torch.float64)
        for i in range(4):
            q = model.encoder(x[i : i + 1])
            z = q.base_dist.loc + q.base_dist.scale * noise[i]
            difference = model.decoder.log_prob(x[i : i + 1], z) + model.prior.log_prob(z) - q.log_prob(z)
            weights[s, i] = difference.item()
    expected = weights.exp().mean(0).log()
    assert torch.allclose(log_likelihood(model, x, 6, seed=3), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n_samples", "rows"), [(1, 9), (5, 9), (250, 9), (3, 130)])
def test_the_number_of_samples_is_honoured_in_blocks_of_bounded_size(monkeypatch, n_samples, rows):
    monkeypatch.setattr(likelihood, "ROWS_AT_ONCE", 100)
    linear = Linear()
    counted = linear.model.decoder.network = Counted(linear.model.decoder.network)
    log_likelihood(linear.model, linear.x[torch.arange(rows) % 9], n_samples)
    assert counted.rows == n_samples * rows
    assert counted.largest <= 100


@pytest.mark.parametrize("prior", [UnitPrior(LATENT), HypercubePrior(LATENT), VampPrior(5, (FEATURES,))])
def test_the_size_of_a_block_does_not_matter(monkeypatch, prior):
    linear = Linear(prior, shift=0.3, widen=1.5)
    whole = log_likelihood(linear.model, linear.x, 40), elbo_terms(linear.model, linear.x, 40)
    monkeypatch.setattr(likelihood, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(likelihood, "PRIOR_VALUES", 30)
    parts = log_likelihood(linear.model, linear.x, 40), elbo_terms(linear.model, linear.x, 40)
    assert torch.allclose(whole[0], parts[0], rtol=0, atol=1e-10)
    for name, term in whole[1].items():
        assert torch.allclose(term, parts[1][name], rtol=0, atol=1e-10), name


def test_single_precision_models_lose_little():
    exact, single = Linear(shift=0.3), Linear(shift=0.3, dtype=torch.float32)
    found = log_likelihood(single.model, single.x.float(), 50)
    assert found.dtype == torch.float64
    assert torch.allclose(found, log_likelihood(exact.model, exact.x, 50), rtol=0, atol=1e-4)


def test_images_and_far_outliers_have_finite_likelihoods():
    encode, decode = nn.Sequential(nn.Flatten(), nn.Linear(12, 4)), nn.Sequential(nn.Linear(2, 12))
    decode.append(nn.Unflatten(1, (1, 3, 4)))
    model = Model(Encoder(encode, POSTERIORS["gaussian"]), Decoder(decode, LIKELIHOODS["gaussian"]()), UnitPrior(2))
    nn.init.zeros_(encode[1].weight)
    found = log_likelihood(model, torch.tensor([0.0, 1e3])[:, None, None, None].expand(2, 1, 3, 4), 20)
    assert found.isfinite().all()
    assert found[1] < -1e5  # where every p(x | z) underflows


# The ELBO and its terms -----------------------------------------------------------------------------------


def test_the_terms_of_a_linear_model_have_their_closed_forms():
    linear = Linear(shift=0.2, widen=1.3)
    generator = torch.Generator().manual_seed(8)
    runs = [elbo_terms(linear.model, linear.x, 500, seed=generator) for _ in range(30)]
    q = gaussian(linear.model.encoder(linear.x))
    at_mean = (linear.x - linear.b - q.loc @ linear.W.T).square().sum(1)
    spread = (q.scale.square() * linear.W.square().sum(0)).sum(1)
    reconstruction = (at_mean + spread).detach()
    kl = kl_divergence(Independent(q, 1), linear.model.prior.distribution().expand([9])).detach()
    close_to(torch.stack([run["reconstruction"] for run in runs]), reconstruction)
    for run in runs:
        assert torch.allclose(run["kl"], kl)
        constant = 0.5 * math.log(math.pi) * FEATURES
        assert torch.allclose(-run["elbo"], run["reconstruction"] + run["kl"] + constant)


def test_with_the_exact_posterior_the_elbo_is_the_likelihood():
    linear = Linear()
    generator = torch.Generator().manual_seed(8)
    close_to(
        torch.stack([elbo_terms(linear.model, linear.x, 200, seed=generator)["elbo"] for _ in range(30)]),
        linear.truth(),
    )


def test_the_kl_without_a_closed_form_is_estimated_on_all_samples():
    linear = Linear(HypercubePrior(LATENT, log_variance=-1.0))
    q = linear.model.encoder(linear.x)
    exact = quadrature(linear.model.prior, q, q.mean).detach()
    generator = torch.Generator().manual_seed(8)
    kl = torch.stack([elbo_terms(linear.model, linear.x, 400, seed=generator)["kl"] for _ in range(30)])
    close_to(kl, exact)
    few = torch.stack([elbo_terms(linear.model, linear.x, 4, seed=generator)["kl"] for _ in range(300)])
    assert (few.std(0) / kl.std(0)).mean() == pytest.approx(10, rel=0.2)  # √(400 / 4)


# Conduct --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [log_likelihood, elbo_terms])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decoder": None}, "no decoder"),
        ({"prior": None}, "no prior"),
        ({"encoder": Encoder(nn.Linear(FEATURES, LATENT).double(), POSTERIORS["point"])}, "posterior is a point"),
    ],
)
def test_what_a_model_lacks_is_named(function, change, said):
    linear = Linear()
    for name, part in change.items():
        setattr(linear.model, name, part)
    with pytest.raises(ValueError, match=said):
        function(linear.model, linear.x)


@pytest.mark.parametrize("function", [log_likelihood, elbo_terms])
def test_no_samples_and_no_rows_are_too_few(function):
    linear = Linear()
    with pytest.raises(ValueError, match="no rows"):
        function(linear.model, linear.x[:0])
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        function(linear.model, linear.x, 0)


def test_the_seed_decides_and_torchs_own_generator_is_left_alone():
    linear = Linear(shift=0.3)
    state = torch.get_rng_state()
    first, again, other = (log_likelihood(linear.model, linear.x, 3, seed=seed) for seed in (4, 4, 5))
    elbo_terms(linear.model, linear.x)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_every_module_is_evaluated_and_gets_its_mode_back_even_after_an_error():
    class Moody(nn.Dropout):
        def forward(self, x):
            assert not self.training
            return super().forward(x)

    linear = Linear()
    frozen, moody = nn.BatchNorm1d(FEATURES).double().eval(), Moody()
    linear.model.decoder.network = nn.Sequential(linear.model.decoder.network, frozen, moody)
    linear.model.train()
    frozen.eval()
    found = log_likelihood(linear.model, linear.x, 2)
    assert not found.requires_grad
    assert (linear.model.training, moody.training, frozen.training) == (True, True, False)
    with pytest.raises(RuntimeError):
        log_likelihood(linear.model, linear.x[:, 1:], 2)
    assert moody.training


def test_labels_are_not_asked_for():
    prior = ClassPrior(2, LATENT)
    linear = Linear(prior)
    as_mixture = Linear(MixturePrior(prior.means.detach(), prior.log_variances.detach()))
    assert isinstance(prior.distribution(), MixtureSameFamily)
    found, expected = (log_likelihood(each.model, linear.x, 5) for each in (linear, as_mixture))
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
