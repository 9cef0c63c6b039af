"""Uses: what each loss and each kind of input leaves, and that code which leaves more out fails."""

from __future__ import annotations

import collections
import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.space import draw_problems
from gateparity.conformance.problems.uses import apply_uses
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.network.batch import Outputs, arrays_by_name, map_arrays
from gateparity.network.parameters import fields
from gateparity.protocol.canonical import Canonical

RAGGED = RECIPES["ragged"].build("float32", 0)
LAST = np.arange(5)[:, None] == RAGGED.batch.lengths - 1


def used(words, case=RAGGED):
    return apply_uses(case, [words])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_loss_is_there_with_lengths_and_without(seed):
    problems = [problem for problem in draw_problems(seed) if problem.uses]
    found = collections.Counter((p.uses[0], bool(p.lengths)) for p in problems)
    assert set(found.values()) == {1}
    assert len(found) == 14
    inputs = collections.Counter(words for p in problems for words in p.uses[1:])
    assert inputs == dict.fromkeys(inputs, 2)
    assert len(inputs) == 6


@pytest.mark.parametrize("names", [("y",), ("h_n",), ("c_n",), ("y", "h_n")])
def test_a_loss_on_some_outputs_has_no_other_cotangent(names):
    alone = "" if len(names) > 1 else " alone"
    cotangent = used(f"a loss on {' and '.join(names)}{alone}").cotangent
    assert {name for name, a in arrays_by_name(cotangent).items() if a.any()} == set(names)


def test_a_loss_on_the_last_outputs_is_at_each_sequences_end():
    cotangent = used("a loss on the last outputs alone").cotangent
    np.testing.assert_array_equal(cotangent.y.any(-1), LAST)
    assert not any(state.any() for state in cotangent.states.values())


def test_every_other_output_has_no_cotangent():
    cotangent = used("a loss on every other y").cotangent
    assert cotangent.y.any((1, 2)).tolist() == [True, False, True, False, True]
    assert all(state.any() for state in cotangent.states.values())


def test_a_sequence_has_a_loss_on_y_or_on_its_states():
    cotangent = used("a loss on y or states of each sequence").cotangent
    assert cotangent.y.any((0, 2)).tolist() == [True, False, True]
    for state in cotangent.states.values():
        assert state.any((0, 2)).tolist() == [False, True, False]


def test_numbers_that_cancel_sum_to_zero_in_any_order():
    case = used("numbers that sum to zero")
    arrays = [*arrays_by_name(dataclasses.replace(case.batch, lengths=None)).values()]
    arrays += [cell.b_ih for cell in case.params]
    for array in arrays:
        assert array.any()
        assert not array.sum(-1).any()
        assert not array[..., ::-1].cumsum(-1)[..., -1].any()


def test_one_hot_inputs_are_ones_and_zeros():
    x = used("one-hot x").batch.x
    assert set(np.unique(x)) == {0, 1}
    assert (x.sum(-1) == 1).all()
    assert x.dtype == np.float32


def test_skipped_steps_are_some_in_between_and_the_last_ones():
    x = used("x with steps of zeros").batch.x
    assert not x[LAST].any()
    assert not x[1].any()
    assert x[0].any()


def test_zeros_and_tiny_numbers_leave_the_kernels_alone():
    for words, largest in (("all zero but kernels", 0), ("tiny numbers", 2.0**-29)):
        case = used(words)
        biases = [a for cell in case.params for n, a in fields(cell).items() if n[0] == "b"]
        inputs = (case.batch.x, *case.batch.states.values())
        assert not any(bias.any() for bias in biases)
        assert max(abs(array).max() for array in inputs) <= largest
        np.testing.assert_array_equal(case.params[0].w_ih, RAGGED.params[0].w_ih)


class SkipsSteps(Scratch):
    """Take a step without a cotangent of y for one without a gradient."""

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        used = cotangent.y.any(-1)[..., None] | ~cotangent.y.any()
        return dataclasses.replace(found, batch=map_arrays(self.skip(used), found.batch))

    @staticmethod
    def skip(used):
        return lambda array: array * used if array.shape[:2] == used.shape[:2] else array


class NeedsLossOnC(Scratch):
    """Find no gradient of c_0 where c_n has no cotangent."""

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        if cotangent.states["c"].any():
            return found
        states = found.batch.states | {"c": 0 * found.batch.states["c"]}
        return dataclasses.replace(found, batch=dataclasses.replace(found.batch, states=states))


@pytest.mark.parametrize("liar", [SkipsSteps, NeedsLossOnC])
def test_what_is_left_out_without_a_loss_is_caught(liar):
    check, truths = CHECKS["gradients"], Truths()
    case = RAGGED
    judge(check.run(Canonical(liar()), case), truths.of(check, case))
    with pytest.raises(Mismatch):  # noqa: PT012  some of them show it
        for problem in draw_problems(0):
            if problem.uses:
                case = problem.build()
                judge(check.run(Canonical(liar()), case), truths.of(check, case))


def test_a_use_keeps_kind_and_shape():
    for words in (use for problem in draw_problems(0) for use in problem.uses):
        case = used(words)
        assert isinstance(case.cotangent, Outputs)
        for one, other in ((case.batch, RAGGED.batch), (case.cotangent, RAGGED.cotangent)):
            for name, array in arrays_by_name(one).items():
                expected = arrays_by_name(other)[name]
                assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
