"""Monte Carlo arithmetic: NumPy arrays whose every operation rounds at random.

Each rounding is modelled as an independent relative error of the size that float32 makes, so that
running the truth on such arrays a few times shows how far rounding alone moves every element of
every result: outputs, gates and gradients alike, through layers and directions, with one model.
The equations stay those of the truth: this is an array type, and no second LSTM.

Model, u the unit roundoff: an elementary operation errs by up to u, exp and tanh by up to 2 u
(what a good library promises), evenly spread; a sum or product of n terms by the random walk of
its partial sums, whose squares grow to the sum of squares and are (1 + n / 2) of it in all.
After D. S. Parker, Monte Carlo Arithmetic, 1997; N. J. Higham and T. Mary, A New Approach to
Probabilistic Rounding Error Analysis, 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.parameters import Array

UNIT: Final = 2.0**-24  # float32's unit roundoff; float64 keeps 29 bits below it for the truth

_EVEN: Final = 3**-0.5  # standard deviation of what is evenly spread in [-1, 1]
_EXACT: Final[frozenset[np.ufunc]] = frozenset({np.negative, np.absolute, np.maximum, np.minimum})
_ULPS: Final[dict[np.ufunc, float]] = {np.exp: 2.0, np.tanh: 2.0}


class RandomlyRounded(np.ndarray):
    """A float64 array; what NumPy's operations make of it is rounded at random, and is one too."""

    generator: np.random.Generator

    def __array_finalize__(self, obj: Any) -> None:
        self.generator = getattr(obj, "generator", None)  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Do it exactly, then round."""
        plain = [np.asarray(a) if isinstance(a, RandomlyRounded) else a for a in inputs]
        exact = getattr(ufunc, method)(*plain, **kwargs)
        if np.asarray(exact).dtype.kind != "f":
            return exact
        generator = next(a.generator for a in inputs if isinstance(a, RandomlyRounded))
        if ufunc not in _EXACT:
            spread = _spread(ufunc, method, plain, exact, kwargs)
            exact = exact + UNIT * _EVEN * spread * generator.standard_normal(np.shape(exact))
        return randomly_rounded(np.asarray(exact), generator)


def randomly_rounded(array: Array, generator: np.random.Generator) -> RandomlyRounded:
    """The same numbers, from here on rounded at random."""
    rounded = array.astype(np.float64, copy=False).view(RandomlyRounded)
    rounded.generator = generator
    return rounded


def _spread(ufunc: np.ufunc, method: str, inputs: list[Any], exact: Any, kwargs: Any) -> Any:
    """How far rounding may move a result, in u; a sum of n terms by its random walk."""
    if ufunc is np.matmul:
        terms = inputs[0].shape[-1]
        return np.sqrt(np.square(inputs[0]) @ np.square(inputs[1]) * (1 + terms / 2))
    if method == "reduce":
        terms = inputs[0].size / max(np.size(exact), 1)
        squares = np.square(inputs[0]).sum(axis=kwargs.get("axis", 0))
        return np.sqrt(squares * (1 + terms / 2))
    return np.abs(exact) * _ULPS.get(ufunc, 1.0)
