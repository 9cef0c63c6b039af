"""Which checks run on which cases: named ones, a checkpoint's LSTM, or the characters of a text."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.config import Config
from gateparity.conformance.cases import DTYPES, RECIPES, build_case, draw_for
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.text import one_hot, windows
from gateparity.errors import InputError, suggest
from gateparity.parameters import cast_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateparity.conformance.cases import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.text import Text
    from gateparity.parameters import Parameters

    Plan = Sequence[tuple[Check, Case]]

_WEIGHTS_STEPS, _WEIGHTS_BATCH = 16, 4  # of the random inputs that a checkpoint's LSTM is fed
_TEXT_HIDDEN: Final = 32  # as in d2l, with its windows of 32 steps


def named_plan(cases: Sequence[str], checks: Sequence[str], seed: int) -> Plan:
    """The named checks on their cases, or all where no names are given, at their dtypes.

    Raises `InputError` for an unknown name, and where no check has any of the cases.
    """
    _refuse_unknown("case", cases, RECIPES)
    chosen = choose_checks(checks)
    plan = [
        (check, RECIPES[case].build(dtype, seed))
        for dtype in dict.fromkeys(dtype for check in chosen for dtype in check.dtypes)
        for check in chosen
        if dtype in check.dtypes
        for case in check.cases
        if not cases or case in cases
    ]
    if not plan:
        raise InputError(
            f"checks {', '.join(checks)} have none of the cases {', '.join(cases)}: "
            "without --case they have all of theirs"
        )
    return plan


def weights_plan(config: Config, params: Parameters, checks: Sequence[str], seed: int) -> Plan:
    """A checkpoint's LSTM on random inputs and states."""
    return [
        (check, _weights_case(config, params, dtype, seed))
        for dtype in DTYPES
        for check in choose_checks(checks or ("forward", "gates", "gradients"))
    ]


def text_plan(text: Text, checks: Sequence[str], seed: int) -> Plan:
    """Random weights on a text's characters, one-hot."""
    return [
        (check, _text_case(text, dtype, seed))
        for dtype in DTYPES
        for check in choose_checks(checks or ("forward", "gradients"))
    ]


def choose_checks(names: Iterable[str]) -> list[Check]:
    """The checks of these names, in the suite's order; all of them for none."""
    names = list(names)
    _refuse_unknown("check", names, CHECKS)
    return [check for name, check in CHECKS.items() if not names or name in names]


def _weights_case(config: Config, params: Parameters, dtype: str, seed: int) -> Case:
    draw = draw_for("weights", seed, dtype)
    config = dataclasses.replace(config, dtype=dtype)
    x = draw((_WEIGHTS_STEPS, _WEIGHTS_BATCH, config.input_size), 1.0)
    return build_case("weights", config, x, draw, params=cast_parameters(params, dtype))


def _text_case(text: Text, dtype: str, seed: int) -> Case:
    x = one_hot(windows(text), text.symbols, dtype)
    config = Config(len(text.symbols), _TEXT_HIDDEN, dtype=dtype)
    return build_case("text", config, x, draw_for("text", seed, dtype))


def _refuse_unknown(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            hint = suggest(name, known)
            raise InputError(f"unknown {kind} {name!r}{hint}: expected one of {', '.join(known)}")
