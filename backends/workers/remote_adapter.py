"""An adapter whose methods run elsewhere: each call is a message, and its answer is read back.

It knows nothing of processes: whatever takes calls, a worker or an object here, can be behind it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateparity.backends.catalogue import FRAMEWORKS, check_engine
from gateparity.backends.workers.remote import BackendError
from gateparity.backends.workers.wire import decode_layout
from gateparity.network.batch import Batch, Gradients, Outputs, Trace
from gateparity.protocol.training import Prediction, Training, TrainingState
from gateparity.protocol.validation import check_unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.base.compilation import Form
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native
    from gateparity.protocol.repeated import Questions
    from gateparity.protocol.training import Examples, Recipe


class Caller(Protocol):
    """An object that answers calls to an adapter: a worker, or an adapter in this process."""

    form: Form  # in which the last call ran

    def call(self, operation: str, *args: Any) -> Any:
        """Return the answer to a call. Raise `Unsupported`, `Impure`, or `BackendError`."""


class RemoteAdapter:
    """An adapter whose methods run in a worker."""

    def __init__(self, worker: Caller, target: str) -> None:
        self._worker = worker
        self._manner = ""
        self.forms: set[Form] = set()  # of the calls since a check began
        found = worker.call("load", target)
        self.name: str = found["name"]
        self.version: str = found["version"]
        self.unsupported: dict[str, str] = found["unsupported"]
        self.engine: str = found["engine"]
        self.manifest: dict[str, str] = found["manifest"]
        self.layout = decode_layout(found["layout"])
        try:
            # An adapter's declarations are checked like any other input: a misspelt key would
            # otherwise have no effect, and nobody would notice.
            check_unsupported(self.unsupported)
            check_engine(self.engine)
        except (TypeError, ValueError) as error:
            raise BackendError(str(error)) from None
        inherited = dict(FRAMEWORKS[self.engine].rounding_model) if self.engine else {}
        self.rounding_model: dict[str, float] = inherited | found["rounding_model"]

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """Run the LSTM over a batch in the worker, and return its outputs."""
        return Outputs(**self._call("forward", config, params, batch))

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Run the LSTM in the worker, and return all pre-activations, gates and states."""
        return Trace(**self._call("gates", config, params, batch))

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """Differentiate the LSTM in the worker, by the framework's own means."""
        found = self._call("gradients", config, params, batch, cotangent)
        return Gradients(found["params"], Batch(**found["batch"]))

    def weights(self, config: Config, params: Native) -> Native:
        """Load arrays into the framework's own weights and read them back, by their names there."""
        found: Native = self._call("weights", config, params)
        return found

    def train(
        self, config: Config, state: TrainingState, batches: Sequence[Examples], recipe: Recipe
    ) -> Training:
        """Take a gradient step for each batch in the worker, by the framework's own means."""
        found = self._call("train", config, state, list(batches), recipe)
        return Training(**{**found, "state": TrainingState(**found["state"])})

    def predict(self, config: Config, state: TrainingState, x: Array, recipe: Recipe) -> Prediction:
        """Return the output layer's numbers and the last states of a model in training."""
        return Prediction(**self._call("predict", config, state, x, recipe))

    def guarded(self) -> RemoteAdapter:
        """Return the same adapter with its calls guarded in the worker, next to the framework."""
        # Only the name of the operation changes. The guard has to be in the worker, where arguments
        # are not copies (core/protocol/guard.py).
        return self._in_manner("guarded")

    def uncompiled(self) -> RemoteAdapter:
        """Return the same adapter with calls that run operation by operation where it can."""
        return self._in_manner("uncompiled")

    def _in_manner(self, manner: str) -> RemoteAdapter:
        other = copy.copy(self)  # which has the same set of forms
        other._manner = f"{self._manner}{manner} "
        return other

    def repeated(self, method: str, config: Config, questions: Questions) -> dict[str, Any]:
        """Repeat calls of a method in the worker, and return the answer to each question."""
        found = self._worker.call(f"repeated {method}", config, dict(questions))
        return {name: _READERS[method](answer) for name, answer in found.items()}

    def _call(self, method: str, *args: Any) -> Any:
        answer = self._worker.call(self._manner + method, *args)
        self.forms.add(self._worker.form)
        return answer


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "forward": lambda found: Outputs(**found),
    "gates": lambda found: Trace(**found),
    "gradients": lambda found: Gradients(found["params"], Batch(**found["batch"])),
}
