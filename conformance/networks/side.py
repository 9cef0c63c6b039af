"""One of two live layers: its label, its own weights, its answers."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.live.objects import open_live
from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.networks.problems import with_weights
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import judge_answer, make_result
from gateparity.errors import InputError
from gateparity.network.parameters import fields
from gateparity.protocol.canonical import make_lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.live.stack import LiveLstm
    from gateparity.conformance.networks.budgets import Budgets
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.runs.result import Result
    from gateparity.network.parameters import Parameters

_STYLE: Final = re.compile(r"\x1b\[[\d;]*m")  # Keras prints bold words


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two layers, with the weights that it had before any call."""

    label: str
    live: LiveLstm
    params: Parameters

    @property
    def backend(self) -> Backend:
        """Return what results and reports call it: a, or b."""
        return Backend(self.label, "", self.live.kind, Path(), shipped=False)

    @property
    def rounding_model(self) -> Mapping[str, float]:
        """Return how its framework rounds, as far as that is declared."""
        framework = FRAMEWORKS.get(self.live.engine)
        return dict(framework.rounding_model) if framework else {}

    def task(self, check: str, case: Case) -> Task:
        """Return a check on a problem, with the layer's own weights."""
        return Task(CHECKS[check], with_weights(case, self.live.config, self.params))

    def answer(self, task: Task, budgets: Budgets) -> Result:
        """Run one check, and judge the answer by the truth for the layer's weights."""
        budgets.start(self.label, task)
        try:
            found = task.check.run(make_lacking(self.live, budgets.lacks), task.case)
        except InputError as error:
            raise InputError(f"{self.label}: {error}") from error
        except Exception as error:  # noqa: BLE001  a framework may raise anything
            words = " ".join(_STYLE.sub("", str(error)).split())[:300]
            reason = f"{self.live.kind} raised {type(error).__name__}: {words}"
            return make_result(self.backend, task, "error", reason=reason)
        return judge_answer(self.backend, task, found, budgets.expect(self.label, task))

    def repeats(self, check: Check, case: Case, arrays: Results) -> bool:
        """Return whether a second call has the same bits."""
        again = check.run(self.live, case)
        return not other_bits(arrays, {name: again[name] for name in arrays})

    def refuse_changed(self) -> None:
        """Raise `InputError` if calls changed the layer's weights, which are put back."""
        before = _named(self.params)
        changed = other_bits(before, _named(self.live.read()))
        if changed:
            self.live.write(self.params)
            raise InputError(
                f"{self.label}: {self.live.kind} changes its own weights when it is called "
                f"({', '.join(changed)}); they are restored"
            )


def open_side(label: str, target: Any) -> Side:
    """Return an object as a side. Raise `InputError` that begins with its label."""
    try:
        live = open_live(target)
    except InputError as error:
        raise InputError(f"{label}: {error}") from error
    return Side(label, live, live.read())


def _named(params: Parameters) -> dict[str, Any]:
    cells = (fields(cell).items() for cell in params)
    return {f"{name} of cell {k}": array for k, own in enumerate(cells) for name, array in own}
