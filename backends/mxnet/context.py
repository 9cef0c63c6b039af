"""The device that MXNet's arrays and parameters are on, which MXNet calls a context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import mxnet as mx

if TYPE_CHECKING:
    from gateparity.backends.base.primitives import Device

DEVICE: Final[Device] = "cpu"
CONTEXT: Final = getattr(mx, DEVICE)()
