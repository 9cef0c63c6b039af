"""The noise of roundings: random numbers that depend on nothing but a value and a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

# Constants of splitmix64: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators,
# OOPSLA 2014.
_30, _27, _12 = (np.uint64(k) for k in (30, 27, 12))
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TWO: Final = np.float64(2).view(np.uint64)
_BLOCK: Final = 2**15  # numbers that are hashed at once: they and their copies fit a core's cache


def make_noise(exact: Array, seeds: Array) -> Array:
    """Return a number for each value and seed, uniform in [-1, 1), by splitmix64's finaliser."""
    return _in_blocks(exact, seeds)


def add_noise(exact: Array, seeds: Array, scale: Array) -> Array:
    """Return `exact` plus noise times `scale`, which has a last axis of length 1."""
    return _in_blocks(exact, seeds, scale)


def make_waves(x: Array, seeds: Array) -> Array:
    """Return a wave over the numbers in [-1, 1], of another length and phase for each seed.

    Approximations of exp and tanh by polynomials err in slow waves over the argument, and each
    draw has one random wave, with a length from 1 to 4. docs/rounding.md says how a backend's own
    wave is measured.
    """
    phase, length = (make_noise(np.full(len(seeds), k), seeds) for k in (1.0, 2.0))
    turns = np.where(np.isfinite(x), x, 0) / (2.5 + 1.5 * length)
    waves: Array = np.cos(np.pi * phase + 2 * np.pi * turns)
    return waves


def _in_blocks(exact: Array, seeds: Array, scale: Array | None = None) -> Array:
    values = np.ascontiguousarray(exact)
    rows = values.reshape(-1, values.shape[-1])
    scales = None if scale is None else scale.reshape(-1, 1)
    noise = np.empty((len(rows), len(seeds)))
    at_once = max(_BLOCK // max(len(seeds), 1), 1)
    for k in range(0, len(rows), at_once):
        block = slice(k, k + at_once)
        part = noise[block]
        _hash(rows[block].view(np.uint64), seeds, part.view(np.uint64))
        part -= 3
        if scales is not None:
            part *= scales[block]
            part += rows[block]
    return noise.reshape(*values.shape[:-1], len(seeds))


def _hash(values: Array, seeds: Array, bits: Array) -> None:
    """Write numbers in [2, 4) to `bits`: the mantissas are random, by the values and the seeds."""
    # The bits of the number itself are hashed, so equal numbers in one draw get equal noise, and
    # the same number in another draw gets other noise.
    np.add(values, seeds, out=bits)
    bits ^= bits >> _30
    bits *= _MIX[0]
    bits ^= bits >> _27
    bits *= _MIX[1]
    bits >>= _12
    bits |= _TWO
