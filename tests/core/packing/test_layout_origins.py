"""What layouts say of themselves: where from, checked against what, and which test runs them."""

from __future__ import annotations

from pathlib import Path

from gateparity.backends.workers.wire import decode, decode_layout, encode

RUNS = Path(__file__).parents[2] / "frameworks" / "layouts"


def test_every_layout_says_where_it_is_from(layout):
    origin = layout.origin
    assert origin.title
    assert origin.source.startswith("https://")
    assert origin.version
    assert origin.states in ("h, c", "c, h")


def test_a_layout_is_verified_where_a_test_runs_it_in_its_framework(layouts):
    verified = {name for name, layout in layouts.items() if not layout.origin.unverified}
    assert verified == {path.stem.removeprefix("test_") for path in RUNS.glob("test_*.py")}


def test_every_such_test_is_named_like_its_layout(layouts):
    for path in RUNS.glob("test_*.py"):
        assert f'("{path.stem.removeprefix("test_")}", ' in path.read_text(), path.name


def test_every_tensor_is_a_name_of_its_own(layouts):
    for layout in layouts.values():
        spelled = [tensor.name + str(layout.spelled(tensor)) for tensor in layout.tensors]
        assert len(set(spelled)) == len(spelled)


def test_a_layout_survives_the_wire_without_its_origin(layout):
    found = decode_layout(decode(encode(layout)))
    assert found == layout
    assert found.origin is None
