"""What a trial says: a known deviation holds for what is known of it, and no more."""

from __future__ import annotations

import pytest

from gateparity.backends.spec import parse_backends
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.training.horizon import Known, Trial
from gateparity.conformance.training.parity import Verdict

ROW = BackendAtDtype(parse_backends(["numpy"])[0], "float64")
KNOWN = Known("it rounds its rate", 2.0**-29)
DIFFERS = "norm of step 1 of epoch 1: found 1, expected 2"


@pytest.mark.parametrize(
    ("differs", "known", "shift", "status", "words"),
    [
        ("", None, 0.0, "pass", ""),
        (DIFFERS, None, 0.0, "fail", DIFFERS),
        (DIFFERS, KNOWN, 2.0**-30, "known", "it rounds its rate: a weight is off by 9.3e-10 of"),
        (DIFFERS, KNOWN, 2.0**-20, "fail", f"a step, 1.9e-09 known; {DIFFERS}"),
        (DIFFERS, KNOWN, float("nan"), "fail", DIFFERS),
        ("", KNOWN, 0.0, "fail", "it no longer deviates (it rounds its rate): remove its entry"),
    ],
)
def test_a_known_deviation_is_one_as_far_as_it_is_known(differs, known, shift, status, words):
    trial = Trial(ROW, "adam", Verdict(9.0, 6, differs), known=known, shift=shift)
    assert trial.status == status
    assert words in trial.reason


def test_what_did_not_run_has_no_verdict():
    assert Trial(ROW, "adam", skip="it doesn't train").status == "skip"
    assert Trial(ROW, "adam", error="it died").reason == "it died"
