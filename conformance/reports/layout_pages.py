"""Layouts as Markdown: docs/layouts.md with all of them, and the views of one and of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateparity.conformance.reports.layouts import (
    DIFFERENT,
    HOLDS,
    bias_words,
    differences,
    examples,
    facts,
    limit_words,
    losses,
    name_words,
    offset_words,
    order_words,
    origin_of,
    size_words,
)
from gateparity.conformance.reports.markdown import escape
from gateparity.conversion.lines import describe_structure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateparity.network.config import Config
    from gateparity.packing.layout import Layout

_INTRODUCTION = """# Layouts

On this page you can look up how frameworks and formats name, order, transpose and fuse the arrays of an LSTM. `gateparity layout --markdown docs/layouts.md` writes the page, from the data that gateparity itself packs by.

```console
$ gateparity layout                        # all of them
$ gateparity layout torch                  # one in full, with the shapes of a small LSTM
$ gateparity layout torch keras            # two side by side, and the code that converts them
$ gateparity layout torch onnx --bidirectional --code torch_to_onnx.py
```

The gates are i (input), f (forget), g (cell candidate) and o (output). A pattern is the native side of an [einops](https://einops.rocks) pattern:

| pattern | array |
|---|---|
| `(gate hidden) input` | 4 * hidden rows, one gate after the other |
| `input (gate hidden)` | its transpose |
| `(hidden gate) input` | the four gates of one unit are side by side |

In a pattern, `unit` is a hidden unit of the step before. A `feature` is an input and then a unit. `side` is the input's bias and then the recurrent bias.

A name may have these fields:

| field | meaning |
|---|---|
| `{layer}` | the layer, counted from 0 |
| `{direction}` | forward or reverse |
| `{i,f,g,o}` | one array for each gate, with the framework's own names for i, f, g and o |
| `{cell}` | layers and directions, counted together |
| `{_layer}` | empty for the first layer, then `_1`, `_2` |

The overview has three more terms:

- *Forget offset* is a number that the framework adds to the forget gate's pre-activation at run time. gateparity subtracts it from the bias.
- *Biases, always* means that an LSTM without biases has arrays of zeros.
- *Verified* means that a test of gateparity runs the layout in the framework itself, and judges the result by rounding. All other layouts say why they aren't verified."""  # noqa: E501


def layouts_page(layouts: Sequence[Layout]) -> str:
    """Return the page of all layouts, docs/layouts.md."""
    parts = [_INTRODUCTION, "## All", "\n".join(_overview(layouts)), "## One by one"]
    for layout in layouts:
        parts += [f"### {layout.name}", *_section(layout)]
    return "\n\n".join(parts) + "\n"


def layout_page(layout: Layout, config: Config) -> str:
    """Return one layout in full, with every array of a small LSTM."""
    sizes = f"input {config.input_size}, hidden {config.hidden_size}"
    where = f", end to end in `{layout.vector}`" if layout.vector else ""
    rows = [
        [f"`{a.name}`", a.holds, f"`{a.pattern}`", f"`{a.shape}`"] for a in examples(layout, config)
    ]
    table = _table(["array", "holds", "pattern", "shape"], rows)
    title = f"{describe_structure(config).capitalize()}, {sizes}{where}:"
    return "\n\n".join([f"# {layout.name}", *_section(layout), title, table]) + "\n"


def pair_page(source: Layout, target: Layout, code: str) -> str:
    """Return two layouts side by side, and the code that converts one into the other."""
    different = differences(source, target)
    ours, theirs = facts(source), facts(target)
    rows = [
        [fact, _cell(ours[fact]), _cell(theirs[fact]), DIFFERENT if fact in different else ""]
        for fact in ours
    ]
    lost = "\n".join(f"- {escape(loss)}" for loss in losses(source, target))
    parts = [
        f"# {target.name} from {source.name}",
        _table(["", source.name, target.name, ""], rows),
        lost,
        f"```python\n{code}```",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _overview(layouts: Iterable[Layout]) -> Iterator[str]:
    headings = ["layout", "class", "gate order", "biases", "forget offset", "states", "holds"]
    rows = [
        [
            f"[{layout.name}](#{layout.name})",
            escape(origin_of(layout).title),
            order_words(layout),
            bias_words(layout),
            offset_words(layout),
            origin_of(layout).states,
            size_words(layout),
            _checked(layout),
        ]
        for layout in layouts
    ]
    yield _table([*headings, "checked against"], rows)


def _section(layout: Layout) -> Iterator[str]:
    origin = origin_of(layout)
    title = escape(origin.title)
    yield (f"[{title}]({origin.source})" if origin.source else title) + f", {_checked(layout)}."
    rows = [[f"`{name_words(layout, t)}`", HOLDS[t.role], f"`{t.pattern}`"] for t in layout.tensors]
    if layout.vector:
        yield (
            f"One vector, `{layout.vector}`: the kernels of all cells, layer by layer and forward "
            "before reverse, and then the biases."
        )
    yield _table(["array", "holds", "pattern"], rows)
    if spelled := _spelling(layout):
        yield spelled
    if limits := limit_words(layout):
        yield "Not held: " + "; ".join(map(_words, limits)) + "."


def _spelling(layout: Layout) -> str:
    """Return a sentence about how names spell the direction; empty if they don't."""
    if not any("{direction}" in tensor.name for tensor in layout.tensors):
        return ""
    forward, reverse = (f"`{words}`" if words else "nothing" for words in layout.directions)
    return f"`{{direction}}` is {forward} for forward and {reverse} for reverse."


def _checked(layout: Layout) -> str:
    origin = origin_of(layout)
    state = f"unverified: {escape(origin.unverified)}" if origin.unverified else "verified"
    return f"{escape(origin.version)}, {state}"


def _cell(words: str) -> str:
    return "<br>".join(escape(line) for line in words.splitlines())


def _words(limit: str) -> str:
    """Escape a sentence whose first word may be a name in backquotes."""
    name, tick, reason = limit.removeprefix("`").partition("`")
    return f"`{name}`{escape(reason)}" if tick else escape(limit)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head, *body = (f"| {' | '.join(cells)} |" for cells in (headings, *rows))
    return "\n".join([head, f"|{'---|' * len(headings)}", *body])
