"""The VampPrior and its encoder: whose parameters are whose, what stays as it was, and where gradients go."""

import copy
import io

import pytest
import torch
from torch import nn

from semimetric.networks import POSTERIORS, Encoder, build_encoder
from semimetric.priors import VampPrior


class Pair(nn.Module):
    """As in a model: the encoder, and the prior that is made of it."""

    def __init__(self, encoder, prior):
        super().__init__()
        self.encoder, self.prior = encoder, prior
        prior.attach(encoder)


def normalising_encoder():
    network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 4))
    encoder = Encoder(network, POSTERIORS["gaussian"])
    encoder(torch.randn(64, 6) * 2 + 1)  # statistics that are no longer zero and one
    return encoder


@pytest.fixture
def pair(seeded):
    return Pair(normalising_encoder(), VampPrior(4, (6,)))


def test_its_only_parameters_are_the_pseudo_inputs(pair):
    assert [name for name, _ in pair.prior.named_parameters()] == ["pseudo_inputs"]
    assert list(pair.prior.state_dict()) == ["pseudo_inputs"]
    assert list(pair.prior.children()) == []
    names = [name for name, _ in pair.named_parameters(remove_duplicate=False)]
    assert sorted(names) == sorted(
        [f"encoder.{name}" for name, _ in pair.encoder.named_parameters()] + ["prior.pseudo_inputs"]
    )


@pytest.mark.parametrize("way", ["deepcopy", "saved"])
def test_a_copy_of_the_pair_is_a_pair(pair, way):
    if way == "deepcopy":
        twin = copy.deepcopy(pair)
    else:
        file = io.BytesIO()
        torch.save(pair, file)
        file.seek(0)
        twin = torch.load(file, weights_only=False)
    z = torch.randn(5, 2)
    before = pair.prior.log_prob(z)
    assert twin.prior.log_prob(z).equal(before)
    assert twin.prior._encoder[0] is twin.encoder is not pair.encoder
    with torch.no_grad():
        twin.encoder.network[-1].bias.add_(1.0)
    assert not torch.allclose(twin.prior.log_prob(z), before)
    assert pair.prior.log_prob(z).equal(before)


def test_it_follows_its_encoder(pair):
    """It is made of the encoder as it is now, not as it was when attached."""
    before = pair.prior.distribution().mean
    with torch.no_grad():
        pair.encoder.network[-1].bias[:2].add_(torch.tensor([1.0, -2.0]))
    torch.testing.assert_close(pair.prior.distribution().mean, before + torch.tensor([1.0, -2.0]))


def test_the_density_is_the_average_of_the_posteriors(pair):
    """Eq. 9, with the encoder in evaluation mode whatever mode it is in."""
    z = torch.randn(5, 2)
    found = pair.train().prior.log_prob(z)
    posteriors = pair.eval().encoder(pair.prior.pseudo_inputs)
    average = torch.stack([posteriors.log_prob(row).exp().mean() for row in z]).log()
    torch.testing.assert_close(found, average)
    assert pair.prior.log_prob(z).equal(found)


@pytest.mark.parametrize("rows", [4, 9])
def test_it_starts_from_rows_of_the_data(rows):
    prior, data = VampPrior(4, (1, 3, 2)), torch.randn(rows, 1, 3, 2)
    assert prior.inputs_wanted == 4
    prior.initialise(data)
    assert prior.pseudo_inputs.equal(data[:4])
    data += 1
    assert not prior.pseudo_inputs.equal(data[:4]), "they must be copies"
    assert prior.pseudo_inputs.requires_grad


def test_too_few_rows_are_repeated():
    prior, data = VampPrior(7, (2,)), torch.randn(3, 2)
    prior.initialise(data)
    assert prior.pseudo_inputs.equal(data[[0, 1, 2, 0, 1, 2, 0]])


def test_rows_of_another_precision_do_not_change_its_own():
    prior = VampPrior(2, (2,))
    prior.initialise(torch.randn(2, 2, dtype=torch.float64))
    assert prior.pseudo_inputs.dtype == torch.float32


def test_gradient_reaches_pseudo_inputs_and_encoder(pair):
    """Both by finite differences too, in a random direction."""
    pair, z = pair.double(), torch.randn(5, 2, dtype=torch.float64)
    pair.prior.log_prob(z).sum().backward()
    for owner in (pair.prior, pair.encoder):
        parameters = list(owner.parameters())
        assert all((parameter.grad != 0).any() for parameter in parameters if parameter.ndim > 1)
        direction = [torch.randn_like(parameter) * 1e-6 for parameter in parameters]
        ends = []
        for sign in (1, -2):
            with torch.no_grad():
                for parameter, step in zip(parameters, direction, strict=True):
                    parameter.add_(sign * step)
                ends.append(pair.prior.log_prob(z).sum().item())
        with torch.no_grad():
            for parameter, step in zip(parameters, direction, strict=True):
                parameter.add_(step)
        slope = sum((p.grad * step).sum().item() for p, step in zip(parameters, direction, strict=True))
        assert (ends[0] - ends[1]) / 2 == pytest.approx(slope, rel=1e-5)


def test_the_kl_reaches_everything(pair):
    q = pair.encoder(torch.randn(8, 6))
    pair.prior.kl(q, q.rsample()).mean().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in pair.parameters())
    assert (pair.prior.pseudo_inputs.grad != 0).any(1).all()


def statistics(pair):
    return {name: value.clone() for name, value in pair.encoder.named_buffers()}


def test_pseudo_inputs_are_no_batch_of_data(pair):
    """Batch normalisation reads them with its statistics and does not learn from them; dropout leaves them whole."""
    before = statistics(pair)
    assert len(before) == 3
    pair.train()
    with torch.no_grad():
        pair.prior.initialise(torch.randn(4, 6) * 50)
    first, second = (pair.prior.distribution().component_distribution.mean for _ in range(2))
    pair.prior.sample(3)
    assert first.equal(second)
    assert all(value.equal(before[name]) for name, value in pair.encoder.named_buffers())
    pair.encoder(torch.randn(4, 6))
    assert not all(value.equal(before[name]) for name, value in pair.encoder.named_buffers()), "data still count"


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("breaks", [True, False])
def test_every_modules_mode_is_restored(pair, training, frozen, breaks):
    """Of a sub-module in a mode of its own too, and after an error."""
    encoder = pair.encoder.train(training)
    encoder.network[1].train(training != frozen)
    modes = {name: module.training for name, module in encoder.named_modules()}
    seen = []
    encoder.network[-1].register_forward_pre_hook(lambda *_: seen.extend(m.training for m in encoder.modules()))
    if breaks:
        encoder.network[-1].register_forward_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pair.prior.distribution()
    else:
        pair.prior.distribution()
    assert seen
    assert not any(seen)
    assert {name: module.training for name, module in encoder.named_modules()} == modes


def test_before_attach_it_says_what_to_do():
    for use in (VampPrior.distribution, lambda p: p.sample(1), lambda p: p.log_prob(torch.zeros(1, 2))):
        with pytest.raises(RuntimeError, match=r"made of an encoder's posteriors: call attach\(encoder\) first"):
            use(VampPrior(2, (3,)))


def test_any_function_can_be_its_encoder():
    prior = VampPrior(3, (2,))
    prior.attach(lambda u: POSTERIORS["gaussian"].read(torch.cat([u, torch.zeros_like(u)], 1)))
    torch.testing.assert_close(prior.distribution().mean, prior.pseudo_inputs.mean(0))


def test_images_can_be_pseudo_inputs(assert_mean_is):
    encoder = Encoder(build_encoder((1, 28, 28), 4), POSTERIORS["gaussian"]).eval()
    prior = VampPrior(3, (1, 28, 28))
    prior.attach(encoder)
    with torch.no_grad():
        assert_mean_is(prior.sample(5000), encoder(prior.pseudo_inputs).mean.mean(0))
