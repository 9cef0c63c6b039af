"""The layout of the book (d2l), which all scratch variants use for their weights."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

# One array a gate, x @ W; the candidate gate is called c. The book has one layer in one direction;
# the prefix makes room for more.
D2L: Final = Layout(
    "d2l",
    (
        ArraySpec("l{layer}{direction}.W_x{gate}", "w_ih", "input hidden"),
        ArraySpec("l{layer}{direction}.W_h{gate}", "w_hh", "unit hidden"),
        ArraySpec("l{layer}{direction}.b_{gate}", "b", "hidden"),
    ),
    gates=("i", "f", "c", "o"),
    origin=Origin(
        "LSTMScratch of Dive into Deep Learning",
        "https://d2l.ai/chapter_recurrent-modern/lstm.html",
        "d2l 1.0.3",
    ),
)
