"""Known deviations: where a framework is known to differ, with the reason and a source.

An entry excuses a result only if it is what the framework computes instead, so a mistake beside a
deviation still fails. If a deviation no longer shows, the run fails until its entry is removed.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.judgement.deviating import IGNORES_LENGTHS, MASKS_AFTER, RUNS_ON
from gateparity.conformance.problems.special_values import flushed
from gateparity.network.batch import arrays_by_name
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.numpy.scratch import Scratch
    from gateparity.conformance.problems.case import Case


@dataclasses.dataclass(frozen=True)
class Problems:
    """The problems that a predicate holds for, and the words for them."""

    words: str
    holds: Callable[[Case], bool]


@dataclasses.dataclass(frozen=True)
class Deviation:
    """The problems in which a framework is known to differ, and what it computes there instead.

    `variants` are the framework's variants that differ. In the problems `must`, the deviation has
    to show wherever it changes a result beyond rounding, or the run fails. In `may`, it is excused
    if it shows. `link` is where its developers say so, or their code. `where` pairs lines of the
    manifest with the text that each has to begin with, since nothing is known about other devices
    or processors; a line that a manifest lacks is ignored. `versions` is how the versions that
    differ begin; empty means all.

    One of two fields says what the framework computes instead. `equations` are those of its LSTM.
    `engine` is set if its arithmetic itself deviates, whatever LSTM it computes: it returns the
    case that the framework computes instead of a given one.
    """

    framework: str
    variants: tuple[str, ...]
    must: Problems
    dtypes: tuple[str, ...]
    reason: str
    link: str
    where: tuple[tuple[str, str], ...] = ()
    versions: str = ""
    equations: Scratch | None = None
    engine: Callable[[Case], Case] | None = None
    may: Problems = Problems("", lambda _: False)

    def covers(self, case: Case, manifest: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Return whether it may show in a case, on the machine of this manifest."""
        return (
            (self.must.holds(case) or self.may.holds(case))
            and case.config.dtype in self.dtypes
            and all(manifest.get(name, start).startswith(start) for name, start in self.where)
        )


def _ends_early(case: Case) -> bool:
    lengths = case.batch.lengths
    return lengths is not None and bool((lengths < len(case.batch.x)).any())


def _has_empty(case: Case) -> bool:
    return "zero_length" in case.needs


def _pads_with_nan(case: Case) -> bool:
    if case.batch.lengths is None:
        return False
    padding = np.arange(len(case.batch.x))[:, None] >= case.batch.lengths
    return not np.isfinite(case.batch.x[padding]).all()


def _pads_what_is_not_finite(case: Case) -> bool:
    given = (*map(fields, case.params), arrays_by_name(case.batch))
    return _ends_early(case) and not all(
        np.isfinite(array).all() for arrays in given for array in arrays.values()
    )


def _has_subnormal(case: Case) -> bool:
    given = arrays_by_name(dataclasses.replace(case.batch, lengths=None)).values()
    tiny = np.finfo(case.config.dtype).tiny
    return any(bool(((array != 0) & (abs(array) < tiny)).any()) for array in given)


_EMPTY: Final = Problems("a sequence of no steps", _has_empty)
_ENDS_EARLY: Final = Problems("a sequence that ends early", _ends_early)
_CUT: Final = Problems("a sequence that ends early: cut, it has pieces of no steps", _ends_early)
_NAN_PADDING: Final = Problems("NaN or infinity in the padding", _pads_with_nan)
_NOT_FINITE: Final = Problems(
    "NaN or infinity anywhere, and a sequence that ends early", _pads_what_is_not_finite
)
_SUBNORMAL: Final = Problems("subnormal inputs or states", _has_subnormal)
_ON_A_CPU: Final = (("device", "cpu"),)

_ALL: Final = ("float32", "float64", "float16")

DEVIATIONS: Final = (
    Deviation(
        "jax",
        ("layer", "nnx"),
        _EMPTY,
        _ALL,
        "Flax's nn.RNN takes the final state from step length - 1: for a sequence of no steps that "
        "is the last step of the padding",
        "https://github.com/google/flax/blob/main/flax/linen/recurrent.py",
        equations=RUNS_ON,
        may=_CUT,
    ),
    Deviation(
        "jax",
        ("layer", "nnx"),
        _NAN_PADDING,
        _ALL,
        "Flax's nn.RNN runs on into the padding, and a NaN there makes every gradient of the layer "
        "that reads it NaN",
        "https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where",
        equations=RUNS_ON,
        may=_NOT_FINITE,
    ),
    Deviation(
        "tensorflow",
        ("layer",),
        _NAN_PADDING,
        _ALL,
        "Keras masks a step after it was computed, and a NaN in it makes every gradient of the "
        "layer that reads it NaN",
        "https://github.com/tensorflow/tensorflow/issues/6209",
        equations=MASKS_AFTER,
        may=_NOT_FINITE,
    ),
    Deviation(
        "jax",
        ("scratch", "layer", "nnx"),
        _SUBNORMAL,
        ("float32", "float64"),
        "XLA on a CPU takes subnormal numbers for zero",
        "https://github.com/jax-ml/jax/issues/16200",
        _ON_A_CPU,
        engine=flushed,
    ),
    Deviation(
        "tensorflow",
        ("scratch", "layer"),
        _SUBNORMAL,
        ("float32", "float64"),
        "TensorFlow on a CPU takes subnormal numbers for zero",
        "https://github.com/tensorflow/tensorflow/blob/6801ed0379c51e08edadfe6baea0f0cf7ce6d23f/tensorflow/python/kernel_tests/denormal_test.py",
        _ON_A_CPU,
        engine=flushed,
    ),
    Deviation(
        "mxnet",
        ("layer",),
        _ENDS_EARLY,
        ("float32",),
        "MXNet's rnn.LSTM accepts use_sequence_length on a CPU and ignores it: every sequence has "
        "all steps",
        "https://github.com/apache/mxnet/issues/19323",
        _ON_A_CPU,
        versions="1.",
        equations=IGNORES_LENGTHS,
    ),
    Deviation(
        "mxnet",
        ("scratch", "layer"),
        _SUBNORMAL,
        ("float32", "float64"),
        "MXNet 2 takes subnormal numbers for zero on a CPU",
        "https://github.com/apache/mxnet/issues/19361",
        _ON_A_CPU,
        versions="2.",
        engine=flushed,
    ),
)


def find_deviations(
    backend: Backend,
    case: Case,
    manifest: Mapping[str, str] = MappingProxyType({}),
    deviations: Sequence[Deviation] = DEVIATIONS,
    version: str = "",
) -> list[Deviation]:
    """Return the known deviations that a backend may show in a case.

    Adapters that don't ship with gateparity have none. `version`, if given, has to match too.
    """
    return [
        known
        for known in (deviations if backend.shipped else ())
        if backend.framework == known.framework
        and backend.variant in known.variants
        and known.covers(case, manifest)
        and (not version or version.startswith(known.versions))
    ]


def find_engine_deviations(
    case: Case, manifest: Mapping[str, str] = MappingProxyType({})
) -> list[Deviation]:
    """Return what is known here of the arithmetic of any engine, whatever LSTM it computes."""
    return [known for known in DEVIATIONS if known.engine and known.covers(case, manifest)]
