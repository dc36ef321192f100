"""Routines around others: the warm-up of the KL, and the balance by learned uncertainty."""

import math

import pytest
import torch

from semimetric.model import KL, METRIC, RECONSTRUCTION, Weights
from semimetric.training import (
    ROUTINES,
    AlternateBatches,
    AlternateEpochs,
    Joint,
    SelfTraining,
    Staged,
    Step,
    UncertaintyBalance,
    WarmUp,
)

ALL = Weights({METRIC: 0.25, RECONSTRUCTION: 0.75, KL: 0.5})
WITHOUT_KL = ALL.only(METRIC, RECONSTRUCTION)


def factors(routine, epochs, length):
    """What the KL's weight is multiplied by, step after step."""
    return [step.weights[KL] / 0.5 for epoch in range(epochs) for step in routine.steps(epoch, length)]


@pytest.mark.parametrize(
    ("share", "epochs", "length"), [(0.5, 4, 5), (0.3, 10, 7), (0.25, 2, 4), (0.1, 1, 10), (1.0, 3, 4), (0.01, 1, 3)]
)
def test_the_weight_of_the_kl_rises_linearly_over_its_share_of_all_steps(share, epochs, length):
    found = factors(WarmUp(Joint(ALL, epochs), share), epochs, length)
    rise = share * epochs * length
    assert found == pytest.approx([min(1, number / rise) for number in range(epochs * length)])
    assert sum(factor < 1 for factor in found) == math.ceil(rise - 1e-9)
    assert found[0] == 0


def test_it_is_computed_from_the_first_step_on_and_nothing_else_is_changed():
    inner, warm = Joint(ALL, 2), WarmUp(Joint(ALL, 2), 0.5)
    for epoch in range(2):
        for plain, step in zip(inner.steps(epoch, 4), warm.steps(epoch, 4), strict=True):
            assert KL in step.weights
            assert (step.streams, step.optimiser) == (plain.streams, plain.optimiser)
            assert {term: step.weights[term] for term in WITHOUT_KL} == dict(WITHOUT_KL)
    assert dict(ALL) == {METRIC: 0.25, RECONSTRUCTION: 0.75, KL: 0.5}
    assert warm.weights is ALL  # those that tell which model is best


def test_without_a_kl_the_steps_are_the_inner_ones():
    inner = Joint(WITHOUT_KL, 2)
    assert list(WarmUp(inner, 0.5).steps(0, 4)) == list(inner.steps(0, 4))


@pytest.mark.parametrize(
    ("share", "epochs", "expected"),
    [(0.1, 30, 3), (0.5, 4, 2), (0.5, 5, 2), (0.3, 10, 3), (0.01, 10, 0), (1.0, 5, 4), (1.0, 1, 0), (0.5, 1, 0)],
)
def test_losses_tell_which_model_is_best_from_the_epoch_in_which_the_rise_ends(share, epochs, expected):
    """Half of five epochs: the third, number 2, ends after the rise."""
    warm = WarmUp(Joint(ALL, epochs), share)
    assert warm.settled_from == expected
    last = factors(warm, epochs, 10)[-1 + 10 * (expected + 1)]
    assert last >= 0.9 if share < 1 else last < 1


def test_a_first_stage_without_the_kl_is_not_counted():
    """Of nine epochs three are the first stage; half of the other six is the rise."""
    warm = WarmUp(Staged(ALL, 9), 0.5)
    assert warm.settled_from == UncertaintyBalance(warm).settled_from == 6
    found = [step.weights[KL] / ALL[KL] for epoch in range(9) for step in warm.steps(epoch, 2)]
    assert found == pytest.approx([0.0] * 6 + [number / 6 for number in range(6)] + [1.0] * 6)


def test_where_losses_settle_late_the_rise_still_begins_with_the_kl():
    """Self-training computes the KL from the first epoch on, though only losses of the last one compare."""
    warm = WarmUp(SelfTraining(ALL, 9), 0.5)
    assert warm.settled_from == 8
    shares = [step.weights[KL] for epoch in range(9) for step in warm.steps(epoch, 2)]
    first = 0.5 / 1.25  # of what needs no label
    assert shares == pytest.approx(
        [first * number / 9 for number in range(6)] + [0.5 * n / 9 for n in (6, 7, 8)] + [0.5] * 9
    )


# Uncertainty ------------------------------------------------------------------------------------------


def balance_with(**log_variances):
    routine = UncertaintyBalance(Joint(ALL, 1))
    for term, value in log_variances.items():
        routine.log_variances[term].data.fill_(value)
    return routine


def losses(**values):
    return {term: torch.tensor(value, requires_grad=True) for term, value in values.items()}


STEP = Step({}, ALL)


def test_the_total_and_its_gradients_by_hand():
    """Σ exp(−s)·w·L + s; by L it is exp(−s)·w, by s it is 1 − exp(−s)·w·L."""
    routine = balance_with(metric=0.5, reconstruction=-1.0, kl=2.0)
    terms = losses(metric=4.0, reconstruction=2.0)
    total = routine.total(terms, STEP)
    total.backward()
    assert total.item() == pytest.approx(math.exp(-0.5) * 0.25 * 4 + 0.5 + math.exp(1) * 0.75 * 2 - 1)
    assert terms[METRIC].grad.item() == pytest.approx(math.exp(-0.5) * 0.25)
    assert terms[RECONSTRUCTION].grad.item() == pytest.approx(math.exp(1) * 0.75)
    assert routine.log_variances[METRIC].grad.item() == pytest.approx(1 - math.exp(-0.5))
    assert routine.log_variances[RECONSTRUCTION].grad.item() == pytest.approx(1 - math.exp(1) * 1.5)
    assert routine.log_variances[KL].grad is None  # the term was not computed


def test_it_starts_from_the_given_weights():
    terms = losses(metric=4.0, reconstruction=2.0, kl=3.0)
    assert UncertaintyBalance(Joint(ALL, 1)).total(terms, STEP).item() == 0.25 * 4 + 0.75 * 2 + 0.5 * 3


def test_a_term_s_best_log_variance_is_the_log_of_what_it_costs():
    """There each balanced term is 1, whatever its size."""
    routine = balance_with(metric=math.log(0.25 * 4))
    routine.total(losses(metric=4.0), STEP).backward()
    assert routine.log_variances[METRIC].grad.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("beyond", "bound"), [(9.0, 5.0), (-9.0, -5.0)])
def test_log_variances_are_bounded_and_find_back(beyond, bound):
    routine = balance_with(metric=beyond)
    loss = 1e4 if bound < 0 else 1e-4  # which calls for the other bound
    terms = losses(metric=loss)
    total = routine.total(terms, STEP)
    total.backward()
    assert total.item() == pytest.approx(math.exp(-bound) * 0.25 * loss + bound)
    assert terms[METRIC].grad.item() == pytest.approx(math.exp(-bound) * 0.25)
    slope = routine.log_variances[METRIC].grad.item()
    assert slope == pytest.approx(1 - math.exp(-bound) * 0.25 * loss)
    assert slope * bound > 0  # a step down the slope leads inwards


class Counting(Joint):
    count = 0

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


def test_the_state_of_both_comes_back():
    routine = UncertaintyBalance(WarmUp(Counting(ALL, 1), 0.5))
    routine.inner.inner.count = 7
    for number, s in enumerate(routine.log_variances.values()):
        s.data.fill_(number + 0.25)
    state = routine.state_dict()
    assert state == {"log_variances": {METRIC: 0.25, RECONSTRUCTION: 1.25, KL: 2.25}, "inner": {"count": 7}}
    again = UncertaintyBalance(WarmUp(Counting(ALL, 1), 0.5))
    again.load_state_dict(state)
    assert again.state_dict() == state
    assert all(s.requires_grad for s in again.log_variances.values())


@pytest.mark.parametrize("kind", [Joint, AlternateEpochs, AlternateBatches, Staged])
def test_every_optimiser_moves_the_log_variances(fit_of, kind):
    model = fit_of("metric-vae").model
    routine = UncertaintyBalance(kind(ALL, 3, separate_optimisers=True))
    inner = routine.inner.optimised(model)
    found = routine.optimised(model)
    assert found.keys() == inner.keys()
    assert len(found) == (1 if kind is Joint else 2)
    own = [id(routine.log_variances[term]) for term in (METRIC, RECONSTRUCTION, KL)]
    for name, parameters in found.items():
        assert [id(p) for p in parameters] == [id(p) for p in inner[name]] + own


@pytest.mark.parametrize("name", ROUTINES)
def test_a_fit_learns_the_balance_of_the_terms_it_computes(fit_of, name):
    fit = fit_of("metric-vae", prior="unit")
    routine = UncertaintyBalance(WarmUp(ROUTINES[name](fit.weights, 2, True), 0.5))
    fit.train(routine, epochs=2)
    moved = {term: float(s.detach()) for term, s in routine.log_variances.items()}
    assert all(0 < abs(value) < 0.1 for value in moved.values()), moved
    assert moved[RECONSTRUCTION] != moved[METRIC]


@pytest.mark.parametrize("around", [lambda inner: WarmUp(inner, 0.5), UncertaintyBalance], ids=["warm-up", "balance"])
def test_what_is_not_changed_is_the_inner_routine_s(fit_of, around):
    fit = fit_of("metric-vae", prior="unit")

    class Noting(Staged):
        before = ()

        def before_epoch(self, epoch, model, data):
            self.before += ((epoch, model is fit.model, data is fit.data),)

    inner = Noting(fit.weights, 6, separate_optimisers=True)
    outer = around(inner)
    assert (outer.weights, outer.epochs, outer.separate_optimisers) == (inner.weights, 6, True)
    assert outer.phases() == ("first", "second")
    outer.before_epoch(4, fit.model, fit.data)
    assert inner.before == ((4, True, True),)
    assert [step.streams for step in outer.steps(1, 3)] == [step.streams for step in inner.steps(1, 3)]
