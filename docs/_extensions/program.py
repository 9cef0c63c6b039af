"""The program that runs a page's code in a framework's interpreter. Standard library only.

`program.py ORDER RESULTS` takes two JSON files. ORDER has the page's name and its blocks. The
program writes RESULTS: the failures, as `[line, text]`, and what every measured block printed.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import sys
import traceback
from pathlib import Path
from typing import Any

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
RAISED = "Exception raised:"  # how doctest begins the report of an unexpected exception


def main(order_file: str, results_file: str) -> None:
    """Run the blocks in one namespace, as a notebook would."""
    order = json.loads(Path(order_file).read_text("utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    failures: list[tuple[int, str]] = []
    measured: dict[str, list[str]] = {}
    for block in order["blocks"]:
        if block["kind"] == "pycon":
            failures += _run_examples(block, order["page"], namespace)
        else:
            measured[block["name"]], trouble = _measure(block["text"], namespace)
            failures += [(block["line"], trouble)] * bool(trouble)
        if any(RAISED in text for _, text in failures):
            break  # the blocks after it would fail for the same reason
    Path(results_file).write_text(json.dumps({"failures": failures, "measured": measured}), "utf-8")


def _measure(code: str, namespace: dict[str, Any]) -> tuple[list[str], str]:
    """Run a measured block; return the lines that it printed, and the traceback if it raised."""
    printed, trouble = io.StringIO(), ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "measured", "exec"), namespace)  # noqa: S102
        except Exception:  # noqa: BLE001 (any exception is reported with its line)
            trouble = f"{RAISED}\n{traceback.format_exc()}"
    return printed.getvalue().splitlines(), trouble


def _run_examples(
    block: dict[str, Any], page: str, namespace: dict[str, Any]
) -> list[tuple[int, str]]:
    """Return the failures of a block, up to the first exception that no example shows."""
    found: list[tuple[int, str]] = []
    for example in doctest.DocTestParser().get_examples(block["text"], page):
        out: list[str] = []
        one = doctest.DocTest([example], {}, page, page, block["line"] - 1, None)
        one.globs = namespace  # not a copy: functions see later definitions
        doctest.DocTestRunner(optionflags=FLAGS).run(one, out=out.append, clear_globs=False)
        if out:
            found.append((block["line"] + example.lineno, _short("".join(out))))
        if RAISED in "".join(out):
            break
    return found


def _short(report: str) -> str:
    """Return a doctest failure without its first two lines, the asterisks and the place."""
    return "\n".join(report.strip().splitlines()[2:])


if __name__ == "__main__":
    main(*sys.argv[1:])
