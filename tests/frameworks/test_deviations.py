"""Every known deviation of a framework shows there, as exactly what is known of it."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.conformance.judgement.deviations import DEVIATIONS
from gateparity.conformance.judgement.verdict import judge, passes
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import expect_deviating
from gateparity.conformance.runs.truths import Truths
from gateparity.protocol.canonical import Canonical

SHOWN = {
    ("lengths", "ragged"),
    ("lengths", "one_empty"),
    ("lengths", "nan_padding"),
    ("permutation", "ragged"),
    ("purity", "ragged"),
    ("values", "subnormal"),
}
PLACES = [
    pytest.param(known, variant, CHECKS[check], RECIPES[case].build(dtype, 0))
    for known in DEVIATIONS
    for variant in known.variants
    for check, case in sorted(SHOWN)
    for dtype in known.dtypes
    if dtype in CHECKS[check].dtypes and known.must.holds(RECIPES[case].build(dtype, 0))
]


@pytest.mark.parametrize(("known", "variant", "check", "case"), PLACES)
def test_it_shows(load, known, variant, check, case):
    adapter = load(known.framework, variant)
    if not adapter.version.startswith(known.versions):
        pytest.skip(f"known of {known.framework} {known.versions}*, this is {adapter.version}")
    truths = Truths()
    with np.errstate(all="ignore"):
        found = check.run(Canonical(adapter), case)
    assert not passes(found, truths.of(check, case, adapter.rounding_model))
    judge(found, expect_deviating(Task(check, case), [known], truths, adapter.rounding_model))
