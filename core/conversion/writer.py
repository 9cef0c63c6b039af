"""Code that converts the arrays of one layout into another's, generated from both specs.

The code does what `unpack` and `pack` do, spelled out for one structure. A reader sees each
transposition, and can use the code without gateparity. It needs NumPy and einops.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conversion.lines import CodeLines, describe_structure
from gateparity.conversion.side import Side, literals
from gateparity.network.config import GATES
from gateparity.network.parameters import build_parameters
from gateparity.packing.array_spec import CONTENTS
from gateparity.packing.layout import NotRepresentable

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator

    from gateparity.network.config import Config
    from gateparity.packing.array_spec import ArraySpec
    from gateparity.packing.layout import Layout

_COUNTS: Final = {
    "gate": len(GATES),
    "side": 2,
    "direction": 2,
}  # lengths that no array has to tell


def write_conversion(
    source: Layout, target: Layout, config: Config, layer: int | None = None
) -> str:
    """Return a module with one function, `convert(source)`, from native arrays to native arrays.

    Sizes come from the arrays; layers, directions and biases from the config. From a vector it is
    `convert(source, input_size, hidden_size)`. With `layer`, it converts that layer of a stack
    alone, so that either layout may be one that holds one layer. Raise `NotRepresentable` if
    either layout can't hold the LSTM.
    """
    words = describe_structure(config)
    if layer is not None:
        words = f"layer {layer} of {words}"
        config = dataclasses.replace(config, layers=1)
        _refuse_vectors(source, target)
    source.shapes(config)
    target.pack(build_parameters(config, lambda _, s: np.zeros(s, config.dtype)), config)
    here, there = (Side(layout, config, layer or 0) for layout in (source, target))
    return _Writer(here, there, config, words).write()


def _refuse_vectors(*layouts: Layout) -> None:
    for layout in layouts:
        if layout.vector:
            raise NotRepresentable(f"{layout.name} is one vector of all layers, expected arrays")


@dataclasses.dataclass(frozen=True)
class _Writer:
    """A generator for one pair of layouts. Intermediate arrays have gates in the target's order."""

    source: Side
    target: Side
    config: Config
    words: str

    def write(self) -> str:
        """Return the source of the whole module."""
        body = CodeLines()
        sizes = ", input_size, hidden_size" if self.source.layout.vector else ""
        body.add(f"def convert(source{sizes}):")
        with body.indented():
            body.add(f'"""{_title(self.target)} from {_title(self.source)}, arrays by name."""')
            if self.source.layout.vector:
                self._cut(body)
            body.add("target = {}")
            with self._each_layer(body):
                for tensor in self.source.tensors:
                    self._read(body, tensor)
                self._convert_kernels(body)
                if self.config.biases:
                    self._convert_biases(body)
                else:
                    self._convert_zeros(body)
                self._write(body)
            if self.target.layout.vector:
                self._join(body)
            else:
                body.add("return {name: array.copy() for name, array in target.items()}")
        return f"{self._head(str(body))}\n\n\n{body}"

    def _head(self, body: str) -> str:
        names = f"{self.target.layout.name} from {self.source.layout.name}"
        lines = [f'"""{names}: {self.words}."""', ""]
        if "np." in body:
            lines.append("import numpy as np")
        if "rearrange(" in body:
            lines.append("from einops import rearrange")
        return "\n".join(lines)

    def _each_layer(self, body: CodeLines) -> contextlib.AbstractContextManager[None]:
        suffixed = self.source.suffixed or self.target.suffixed
        return body.each_layer(self.config.layers, suffixed=suffixed)

    def _read(self, body: CodeLines, tensor: ArraySpec) -> None:
        """Write the lines that read one array of a layer, with gates in the target's order."""
        name, order, wanted = tensor.contents, self.source.layout.order, self.target.layout.order
        named = self.source.named(tensor)
        value = f"source[{self.source.name(tensor)}]"
        if "gate" in named:
            value = f"[{value} for gate in {literals(self.source.spelled(tensor, wanted))}]"
        if "direction" in named:
            value = f"[{value} for {self.source.direction_loop()}]"
        if named:
            body.add(f"{name} = np.array({value})")
            value = name
        here = " ".join([*named, self.source.pattern(tensor)])
        there = " ".join(self.source.axes(tensor))
        if tensor.block:
            self._read_blocks(body, tensor, value, here)
        elif not named or here != there:
            body.add(f"{name} = {_rearranged(value, here, there)}")
        if "gate" not in named and order != wanted:
            places = [order.index(gate) for gate in wanted]
            at = f"[:, {places}]" if self.source.directed else f"[{places}]"
            body.add(f"{name} = {name}{at}  # {', '.join(order)} to {', '.join(wanted)}")

    def _read_blocks(self, body: CodeLines, tensor: ArraySpec, value: str, here: str) -> None:
        """Write the lines that cut an array into blocks, and read each as what it is."""
        name, outer = tensor.contents, " ".join([*self.source.directed, "gate"])
        if value != name:
            body.add(f"{name} = {value}")
        body.add(f"rows = {name}.shape[-2]")
        body.add(f"{name} = {_rearranged(name, here, f'{outer} ({tensor.shown})')}")
        there = " ".join(self.source.axes(tensor))
        known = f"{tensor.shown.split()[0]}=rows"
        body.add(f"{name} = {_rearranged(name, f'{outer} ({tensor.block})', there, known)}")

    def _convert_kernels(self, body: CodeLines) -> None:
        held, wanted = self.source.contents, self.target.contents
        if "w" in held and "w" not in wanted:
            body.add("w_ih, w_hh = np.split(w, [w.shape[-1] - w.shape[-2]], axis=-1)")
        if "w" in wanted and "w" not in held:
            body.add("w = np.concatenate([w_ih, w_hh], axis=-1)")

    def _convert_biases(self, body: CodeLines) -> None:
        held, wanted = self.source.biases, self.target.biases
        if "b_pair" in held:
            body.add("b_ih, b_hh = b_pair[..., 0, :], b_pair[..., 1, :]")
        offset = self.source.layout.forget_offset - self.target.layout.forget_offset
        self._shift(body, "b" if "b" in held else "b_ih", offset)
        if "b" in held and "b" not in wanted:
            body.add("b_ih, b_hh = b, np.zeros_like(b)")
        if "b" in wanted and "b" not in held:
            body.add("b = b_ih + b_hh")
        if "b_pair" in wanted:
            body.add("b_pair = np.stack([b_ih, b_hh], axis=-2)")

    def _convert_zeros(self, body: CodeLines) -> None:
        """Write the lines for an LSTM without biases: zeros are required, and zeros are written."""
        held, wanted = self.source.biases, self.target.biases
        if held:
            self._shift(body, held[0], self.source.layout.forget_offset)
            body.add(f"if {' or '.join(f'{name}.any()' for name in held)}:")
            with body.indented():
                body.add('raise ValueError("there are biases, expected zeros")')
        kernel = "w" if "w" in self.target.contents else "w_ih"
        zeros = f"np.zeros({kernel}.shape[:-1], {kernel}.dtype)"
        for name in wanted:
            pair = f"np.stack([{zeros}] * 2, axis=-2)"
            body.add(f"{name} = {pair if name == 'b_pair' else zeros}")
        if wanted:
            self._shift(body, wanted[0], -self.target.layout.forget_offset)

    def _shift(self, body: CodeLines, name: str, offset: float) -> None:
        if offset:
            place, sign = self.target.layout.order.index("f"), "+" if offset > 0 else "-"
            body.add(f"{name} = {name}.copy()")
            body.add(f"{name}[..., {place}, :] {sign}= {abs(offset)}  # what is added at run time")

    def _write(self, body: CodeLines) -> None:
        """Write the lines that fill the target's arrays of a layer, in as few loops as possible."""
        for (named, gates), group in itertools.groupby(self.target.tensors, self._names):
            with body.loops(self._loop_heads(named, gates)):
                for tensor in group:
                    axes = [axis for axis in self.target.axes(tensor) if axis not in named]
                    at = ", ".join({"direction": "d", "gate": "g"}[axis] for axis in named)
                    value = f"{tensor.contents}[{at}]" if at else tensor.contents
                    here, there = " ".join(axes), self.target.pattern(tensor)
                    if tensor.block:
                        value = _rearranged(value, here, f"gate ({tensor.block})")
                        known = f"{tensor.shown.split()[0]}={tensor.contents}.shape[-1]"
                        value = _rearranged(value, f"gate ({tensor.shown})", there, known)
                    else:
                        value = _rearranged(value, here, there)
                    body.add(f"target[{self.target.name(tensor)}] = {value}")

    def _names(self, tensor: ArraySpec) -> tuple[list[str], tuple[str, ...]]:
        """Return the axes that a tensor's name spells, and how it spells the gates."""
        named = self.target.named(tensor)
        gates = self.target.spelled(tensor, self.target.layout.order)
        return named, gates if "gate" in named else ()

    def _loop_heads(self, named: list[str], gates: tuple[str, ...]) -> Iterator[str]:
        if "direction" in named:
            yield self.target.direction_loop(counted=True)
        if gates:
            yield f"g, gate in enumerate({literals(gates)})"

    def _cut(self, body: CodeLines) -> None:
        """Write the lines that cut the source's vector into named parts."""
        body.add("shapes = {}")
        for tensors in _kernels_and_biases(self.source):
            with self._each_layer(body):
                if tensors and not CONTENTS[tensors[0].contents].is_bias:
                    self._tell_size(body)
                with body.loops([self.source.direction_loop()] if self.source.directed else []):
                    for tensor in tensors:
                        shape = self.source.shape(tensor)
                        body.add(f"shapes[{self.source.name(tensor)}] = {shape}")
        body.add("ends = np.cumsum([np.prod(shape) for shape in shapes.values()])")
        body.add(f'parts = np.split(source["{self.source.layout.vector}"], ends[:-1])')
        body.add("source = {n: p.reshape(s) for (n, s), p in zip(shapes.items(), parts)}")

    def _tell_size(self, body: CodeLines) -> None:
        below = f"{self.config.directions} * hidden_size if layer else input_size"
        body.add(f"size = {below if self.config.layers > 1 else 'input_size'}")

    def _join(self, body: CodeLines) -> None:
        """Write the lines that concatenate the target's parts into a vector."""
        body.add("parts = []")
        for tensors in _kernels_and_biases(self.target):
            cotangents = [self.target.direction_loop()] if self.target.directed else []
            with self._each_layer(body), body.loops(cotangents):
                for tensor in tensors:
                    body.add(f"parts.append(target[{self.target.name(tensor)}].ravel())")
        body.add(f'return {{"{self.target.layout.vector}": np.concatenate(parts)}}')


def _kernels_and_biases(side: Side) -> list[list[ArraySpec]]:
    """Return the tensors of a vector in two lists: the kernels of all cells precede biases."""
    return [
        [t for t in side.tensors if CONTENTS[t.contents].is_bias == biases]
        for biases in (False, True)
    ]


def _rearranged(value: str, here: str, there: str, *known: str) -> str:
    if here == there:
        return value
    joined = {axis for group in re.findall(r"\(([^)]*)\)", here) for axis in group.split()}
    counts = [f"{axis}={count}" for axis, count in _COUNTS.items() if axis in joined]
    sizes = "".join(f", {size}" for size in (*counts, *known))
    return f'rearrange({value}, "{here} -> {there}"{sizes})'


def _title(side: Side) -> str:
    return side.layout.origin.title if side.layout.origin else side.layout.name
