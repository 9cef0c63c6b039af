"""Old spellings: what was used of them, and those of 0.1.0 for states, kept for one release.

The standard library alone: `gateparity.moved` needs it before anything else is imported.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Mapping
from typing import Any, Final, TypeVar

USED: Final[dict[str, str]] = {}  # what was asked for by an old spelling here: a sentence each
_BY_FIELD: Final = "a state by field, as in batch.h_0 or Outputs(y, h_n, c_n),"
_BY_NAME: Final = 'type batch.states["h"] or Outputs(y, {"h": h_n, "c": c_n})'
_Kind = TypeVar("_Kind")


def warn(old: str, instead: str) -> None:
    """Warn about an old spelling, at the line that called the caller of the caller, and note it."""
    sentence = f"{old} goes in the next release: {instead}"
    warnings.warn(sentence, DeprecationWarning, stacklevel=4)
    USED[old] = sentence  # after it: where warnings are errors, each use is one


def with_old_states(kind: type[_Kind]) -> type[_Kind]:
    """Let a class whose `states` go by name be made and read by h and c as fields, too.

    `Batch(x, h_0, c_0, lengths)`, `dataclasses.replace(batch, h_0=None)` and `batch.h_0` are
    accepted. All of them together warn once.
    """
    made: Any = kind
    init, fields = made.__init__, {state + made.suffix: state for state in ("h", "c")}

    @functools.wraps(init)
    def make(self: Any, *given: Any, **named: Any) -> None:
        is_new = all(part is None or isinstance(part, Mapping) for part in given[1:2])
        if not is_new or len(given) > len(dataclasses.fields(made)):
            named.update(zip((*fields, "lengths"), given[1:]))  # noqa: B905
            given = given[:1]
        old = {fields[name]: named.pop(name) for name in fields if name in named}
        if old:
            _use_fields()
            states = {**(named.pop("states", None) or {}), **old}
            if there := {name: array for name, array in states.items() if array is not None}:
                named["states"] = there
        init(self, *given, **named)

    made.__init__ = make
    for name, state in fields.items():
        setattr(made, name, property(functools.partial(_read_field, state=state)))
    return kind


def _read_field(given: Any, state: str) -> Any:
    _use_fields()
    return (given.states or {}).get(state)


def _use_fields() -> None:
    if _BY_FIELD not in USED:
        warn(_BY_FIELD, _BY_NAME)
