"""How one layer relates to another: equal, packed otherwise, rounded, mistaken, or unrelated."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.networks.weights import compare_weights
from gateparity.network.parameters import CellWeights, cast_parameters, fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.conformance.networks.network import Layer
    from gateparity.network.parameters import Array

Kind = Literal["identical", "layout", "precision", "mistake", "other"]
# Each: the same network as before, or less so.
KINDS: Final[tuple[Kind, ...]] = ("identical", "layout", "precision", "mistake", "other")
_WORDS: Final = {  # of places in a stack: of those in one layer, whose number its path has
    r"layer 0, (forward|reverse), layer 0, reverse": "both directions",
    r"layer 0, (forward|reverse)": r"the \1 direction",
    r" (in|of) layer 0\b": "",
}
_STEP: Final = 0.505  # of a quantised array's steps: half of one, and float32's rounding


@dataclasses.dataclass(frozen=True)
class Relation:
    """How B relates to A. `sentence` says it in words; `largest` is the largest difference.

    `correlation` is that of the kernels, between -1 and 1; it is 1 for equal layers.
    """

    kind: Kind
    sentence: str
    largest: str = ""
    correlation: float = 1.0

    @property
    def is_same(self) -> bool:
        """Return whether both compute the same, but for the order in which numbers are held."""
        return self.kind in ("identical", "layout")


def relate(a: Layer, b: Layer) -> Relation:
    """Return how layer B relates to layer A, which has the same sizes."""
    found = _relate_weights(a, b)
    if a.stored.reads == b.stored.reads:
        return found
    sides = ("A", a.stored.reads), ("B", b.stored.reads)
    words = ", ".join(f"{name} {reads}" for name, reads in sides if reads)
    kind: Kind = "other" if found.kind == "other" else "mistake"
    return dataclasses.replace(found, kind=kind, sentence=f"{found.sentence}; but {words}")


def _relate_weights(a: Layer, b: Layer) -> Relation:
    if _same_bits(a, b):
        return _relate_equal(a, b)
    if words := _find_precision(a, b):
        return Relation("precision", words, correlation=correlate(a, b))
    dtype = "float64" if "float64" in (a.config.dtype, b.config.dtype) else "float32"
    config = dataclasses.replace(a.config, dtype=dtype, biases=True)
    cells = [tuple(map(_biased, cast_parameters(one.cells, dtype))) for one in (a, b)]
    found = compare_weights(cells[0], cells[1], config, ("A", "B"))
    if found is None:
        return Relation("layout", f"B is A{_packing(a, b)}, its biases rounded")
    kind: Kind = "mistake" if found.is_explained else "other"
    largest = _of_one_layer(found.largest)
    return Relation(kind, _of_one_layer(found.sentence), largest, correlate(a, b))


def _of_one_layer(words: str) -> str:
    """Return words about a stack's layers as words about one layer alone."""
    for theirs, ours in _WORDS.items():
        words = re.sub(theirs, ours, words)
    return words


def correlate(a: Layer, b: Layer) -> float:
    """Return the correlation of the kernels of two layers of the same sizes; 0 for a constant."""
    sums = np.zeros(6)
    for one, other in zip(_kernels(a), _kernels(b), strict=True):
        for gates in zip(one, other, strict=True):  # a gate at a time: they may be large
            x, y = (gate.ravel().astype(float) for gate in gates)
            sums += x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y
    size, x_sum, y_sum, xx, yy, xy = sums
    norm = float(np.sqrt((xx - x_sum**2 / size) * (yy - y_sum**2 / size)))
    return float(xy - x_sum * y_sum / size) / norm if norm > 0 else 0.0


def _same_bits(a: Layer, b: Layer) -> bool:
    """Return whether kernels are equal bit for bit, and biases or their sums are."""
    pairs = [*zip(a.cells, b.cells, strict=True)]
    return all(
        all(map(_are_equal, (one.w_ih, one.w_hh), (other.w_ih, other.w_hh)))
        and (_same_biases(one, other) or _are_equal(_bias(one), _bias(other)))
        for one, other in pairs
    )


def _same_biases(one: CellWeights, other: CellWeights) -> bool:
    own, others = ({n: v for n, v in fields(c).items() if n[0] == "b"} for c in (one, other))
    return own.keys() == others.keys() and all(_are_equal(own[n], others[n]) for n in own)


def _are_equal(one: Array, other: Array) -> bool:
    """Return whether two arrays have the same bits, or the same numbers in two dtypes."""
    if one.dtype == other.dtype:
        return not other_bits({"": one}, {"": other})
    return np.array_equal(one.astype(float), other.astype(float), equal_nan=True)


def _relate_equal(a: Layer, b: Layer) -> Relation:
    same_layout = a.stored.layout == b.stored.layout
    biases = all(_same_biases(one, other) for one, other in zip(a.cells, b.cells, strict=True))
    if same_layout and biases and a.stored.dtypes == b.stored.dtypes:
        return Relation("identical", "B is A, bit for bit")
    return Relation("layout", f"B is A, bit for bit{_packing(a, b)}")


def _packing(a: Layer, b: Layer) -> str:
    """Return in words how B holds the numbers of A otherwise."""
    words = []
    one, other = a.stored.layout, b.stored.layout
    if one and other and one.name != other.name:
        words.append(f"in the layout {other.name} instead of {one.name}")
    if one and other and one.order != other.order:
        words.append(f"packed {', '.join(other.order)} instead of {', '.join(one.order)}")
    if _has_two(a) and not _has_two(b):
        words.append("with its biases summed")
    elif _has_two(b) and not _has_two(a):
        words.append("with its bias as two")
    if a.stored.dtypes != b.stored.dtypes:
        stored = " and ".join(b.stored.dtypes)
        words.append(f"stored as {stored} instead of {' and '.join(a.stored.dtypes)}")
    return "".join(f", {each}" for each in words)


def _has_two(layer: Layer) -> bool:
    return any(cell.b_hh is not None and cell.b_hh.any() for cell in layer.cells)


def _find_precision(a: Layer, b: Layer) -> str:
    """Return which rounding makes one of the other, or nothing."""
    for first, second, words in ((a, b, "B is A"), (b, a, "A is B")):
        for name, narrow in _NARROWED.items():
            if name == first.config.dtype:
                continue  # that rounds nothing
            arrays = [*zip(_plain(first), _plain(second), strict=True)]
            if all(_is_narrow(second, one, other, narrow) for one, other in arrays):
                return f"{words} rounded to {name}{_packing(first, second)}"
        if _is_quantised(first, second):
            return f"{words} rounded to the steps of {' and '.join(second.stored.dtypes)}"
    return ""


def _is_narrow(
    layer: Layer, wide: Array, narrow: Array, round_to: Callable[[Array], Array]
) -> bool:
    """Return whether an array is a wider one rounded; a sum of rounded biases differs by more."""
    if not np.array_equal(round_to(wide[:, :1]), narrow[:, :1]) and wide.ndim > 2:
        return False  # in the first unit already
    if np.array_equal(round_to(wide), narrow):
        return True
    if wide.ndim > 2 or not _has_two(layer):
        return False
    unit = float(np.abs(round_to(wide) - wide).max()) or float(np.finfo(np.float32).eps)
    return bool((np.abs(narrow - wide) <= 4 * unit).all())


def _is_quantised(wide: Layer, narrow: Layer) -> bool:
    """Return whether each kernel lies on a grid, and within half of its step of the other's."""
    if not any("int" in dtype for dtype in narrow.stored.dtypes):
        return False
    pairs = zip(_kernels(wide), _kernels(narrow), strict=True)
    return all(
        bool((np.abs(one - other) <= _STEP * _find_step(other)).all()) for one, other in pairs
    )


def _find_step(quantised: Array) -> float:
    """Return the step of a grid of at most 256 values: its range has no more."""
    values = np.unique(quantised)
    return float(np.diff(values).min()) if values.size > 1 else 0.0


def _bfloat16(array: Array) -> Array:
    """Return float32 rounded to its upper half, to nearest with ties to even."""
    bits = array.astype(np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32).astype(float)


def _as(dtype: str) -> Callable[[Array], Array]:
    def narrow(array: Array) -> Array:
        with np.errstate(over="ignore"):
            return array.astype(dtype).astype(float)

    return narrow


_NARROWED: Final = {
    "float32": _as("float32"),
    "float16": _as("float16"),
    "bfloat16": _bfloat16,
}


def _plain(layer: Layer) -> Iterator[Array]:
    """Yield kernels and the sums of biases."""
    for cell in layer.cells:
        yield from (cell.w_ih, cell.w_hh)
        yield _bias(cell)


def _kernels(layer: Layer) -> Iterator[Array]:
    yield from (array for cell in layer.cells for array in (cell.w_ih, cell.w_hh))


def _bias(cell: CellWeights) -> Array:
    shape = cell.w_hh.shape[:2]
    zeros: Any = np.zeros(shape, cell.w_hh.dtype)
    return (zeros if cell.b_ih is None else cell.b_ih) + (zeros if cell.b_hh is None else cell.b_hh)


def _biased(cell: CellWeights) -> CellWeights:
    """Return a cell that has biases: no bias is a bias of zero."""
    zeros = np.zeros(cell.w_hh.shape[:2], cell.w_hh.dtype)
    return CellWeights(**({"b_ih": zeros, "b_hh": zeros} | fields(cell)))
