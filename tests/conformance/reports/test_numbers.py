from __future__ import annotations

import json

import numpy as np
import pytest

from gateparity.conformance.reports.numbers import finite


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -np.inf, np.float32("inf"), None])
def test_what_json_has_no_number_for_is_null(number):
    assert finite(number) is None


@pytest.mark.parametrize("number", [0.1, -0.0, 1e300, np.float32(0.5), 3])
def test_any_other_number_stays_and_can_be_written(number):
    assert json.loads(json.dumps(finite(number), allow_nan=False)) == number
