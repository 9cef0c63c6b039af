"""Every known deviation of a framework shows there, in each of its cases, as a wrong number."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gateparity.conformance.judgement.deviations import DEVIATIONS
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.protocol.canonical import Canonical

PLACES = [
    (known.framework, variant, *case, dtype, known.versions)
    for known in DEVIATIONS
    for variant, case, dtype in itertools.product(known.variants, known.cases, known.dtypes)
]


@pytest.mark.parametrize(("name", "variant", "check", "case", "dtype", "versions"), PLACES)
def test_it_shows(load, name, variant, check, case, dtype, versions):
    adapter = load(name, variant)
    if not adapter.version.startswith(versions):
        pytest.skip(f"known of {name} {versions}*, this is {adapter.version}")
    problem = RECIPES[case].build(dtype, 0)
    with np.errstate(all="ignore"):
        found = CHECKS[check].run(Canonical(adapter), problem)
    with pytest.raises(Mismatch):
        judge(found, Truths().of(CHECKS[check], problem, adapter.rounding_model))
