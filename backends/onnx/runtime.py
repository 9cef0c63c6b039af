"""ONNX Runtime, in an environment that has it: it runs a model that it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnxruntime

if TYPE_CHECKING:
    from gateparity.network.parameters import Array


def run(model: bytes, feeds: dict[str, Array]) -> list[Array]:
    """Return the outputs of a model in their order."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    outputs: list[Array] = session.run(None, feeds)
    return outputs
