"""What a check finds: named arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateparity.network.parameters import Array


Results = dict[str, "Array"]  # an array's name, with its layer and direction: the array
