"""Known deviations: where a framework is known to differ, with the reason and a source.

If a deviation no longer shows, the run fails until its entry is removed.
"""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateparity.conformance.problems.special_values import flushed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check


@dataclasses.dataclass(frozen=True)
class Deviation:
    """A set of cases in which a framework is known to differ.

    `variants` are the framework's variants that differ. `cases` are pairs of a check and a case.
    `link` is where its developers say so, or their code. `where` pairs lines of the manifest with
    the text that each has to begin with, since nothing is known about other devices or processors;
    a line that a manifest lacks is ignored. `versions` is how the versions that differ begin; empty
    means all. `engine` is set if the framework's arithmetic itself deviates, whatever it computes:
    it returns the case that the framework computes instead of a given one.
    """

    framework: str
    variants: tuple[str, ...]
    cases: tuple[tuple[str, str], ...]
    dtypes: tuple[str, ...]
    reason: str
    link: str
    where: tuple[tuple[str, str], ...] = ()
    versions: str = ""
    engine: Callable[[Case], Case] | None = None


_ON_A_CPU: Final = (("device", "cpu"),)

DEVIATIONS: Final = (
    Deviation(
        "jax",
        ("layer", "nnx"),
        (("lengths", "one_empty"),),
        ("float32", "float64"),
        "Flax's nn.RNN takes the final state from step length - 1: for a sequence of no steps that "
        "is the last step of the padding",
        "https://github.com/google/flax/blob/main/flax/linen/recurrent.py",
    ),
    Deviation(
        "jax",
        ("layer", "nnx"),
        (("lengths", "nan_padding"),),
        ("float32", "float64"),
        "Flax's nn.RNN runs on into the padding, and a NaN there makes every gradient of the layer "
        "that reads it NaN",
        "https://docs.jax.dev/en/latest/faq.html#gradients-contain-nan-where-using-where",
    ),
    Deviation(
        "tensorflow",
        ("layer",),
        (("lengths", "nan_padding"),),
        ("float32", "float64"),
        "Keras masks a step after it was computed, and a NaN in it makes every gradient of the "
        "layer that reads it NaN",
        "https://github.com/tensorflow/tensorflow/issues/6209",
    ),
    Deviation(
        "jax",
        ("scratch", "layer", "nnx"),
        (("values", "subnormal"),),
        ("float32", "float64"),
        "XLA on a CPU takes subnormal numbers for zero",
        "https://github.com/jax-ml/jax/issues/16200",
        _ON_A_CPU,
        engine=flushed,
    ),
    Deviation(
        "tensorflow",
        ("scratch", "layer"),
        (("values", "subnormal"),),
        ("float32", "float64"),
        "TensorFlow on a CPU takes subnormal numbers for zero",
        "https://github.com/tensorflow/tensorflow/blob/6801ed0379c51e08edadfe6baea0f0cf7ce6d23f/tensorflow/python/kernel_tests/denormal_test.py",
        _ON_A_CPU,
        engine=flushed,
    ),
    Deviation(
        "mxnet",
        ("layer",),
        (
            ("lengths", "ragged"),
            ("lengths", "one_empty"),
            ("lengths", "nan_padding"),
            ("permutation", "ragged"),
            ("purity", "ragged"),
            ("calls", "uneven"),
        ),
        ("float32",),
        "MXNet's rnn.LSTM accepts use_sequence_length on a CPU and ignores it: every sequence has "
        "all steps",
        "https://github.com/apache/mxnet/issues/19323",
        _ON_A_CPU,
        versions="1.",
    ),
    Deviation(
        "mxnet",
        ("scratch", "layer"),
        (("values", "subnormal"),),
        ("float32", "float64"),
        "MXNet 2 takes subnormal numbers for zero on a CPU",
        "https://github.com/apache/mxnet/issues/19361",
        _ON_A_CPU,
        versions="2.",
        engine=flushed,
    ),
)


def find_deviation(
    backend: Backend,
    check: Check,
    case: Case,
    manifest: Mapping[str, str] = MappingProxyType({}),
    deviations: Sequence[Deviation] = DEVIATIONS,
    version: str = "",
) -> Deviation | None:
    """Return the known deviation of a backend in a check and case, or None.

    Adapters that don't ship with gateparity have none. `version`, if given, has to match too.
    """
    for known in deviations if backend.shipped else ():
        if (
            backend.framework == known.framework
            and backend.variant in known.variants
            and _covers(known, check, case, manifest)
            and (not version or version.startswith(known.versions))
        ):
            return known
    return None


def find_engine_deviations(
    check: Check, case: Case, manifest: Mapping[str, str] = MappingProxyType({})
) -> list[Deviation]:
    """Return what is known here of the arithmetic of any engine, whatever LSTM it computes."""
    return [known for known in DEVIATIONS if known.engine and _covers(known, check, case, manifest)]


def _covers(known: Deviation, check: Check, case: Case, manifest: Mapping[str, str]) -> bool:
    return (
        (check.name, case.name) in known.cases
        and case.config.dtype in known.dtypes
        and all(manifest.get(name, start).startswith(start) for name, start in known.where)
    )
