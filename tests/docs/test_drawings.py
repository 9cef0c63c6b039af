"""Every drawing is made from what gateparity has, and in the colours of the site."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from _extensions.drawings import NAMES, draw
from _extensions.drawings.layouts import packed

STYLE = (Path(__file__).parents[2] / "docs/_static/drawings.css").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_small_and_has_no_colour_of_its_own(name):
    drawn = draw(name)
    root = ET.fromstring(drawn)
    assert root.attrib["aria-label"]
    assert len(drawn) < 50_000
    for element in root.iter():
        assert not {"fill", "stroke", "font-size"} & set(element.attrib)
        for kind in element.attrib.get("class", "").split():
            assert f".{kind}" in STYLE


def test_the_gates_are_where_the_layout_packs_them():
    assert packed("torch")["weight_ih_l0"][:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert packed("keras")["lstm_0/lstm_cell/kernel"][0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_an_unknown_drawing_is_refused():
    with pytest.raises(ValueError, match="unknown drawing 'cel', expected one of cell, unrolled"):
        draw("cel")
