"""The program that runs a page's code in a framework's interpreter. Standard library only.

`program.py ORDER RESULTS` takes two JSON files. ORDER has the page's name and its blocks. The
program writes RESULTS: the failures, as `[line, text]`, what every measured block printed, and
what every example printed, by its line.
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


class Runner(doctest.DocTestRunner):
    """Runs one example, and keeps what it printed."""

    got = ""

    def report_success(
        self, out: Any, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        """Keep what an example printed, which is as expected."""
        del out, test
        self.got = example.want if example.exc_msg else got


def main(order_file: str, results_file: str) -> None:
    """Run the blocks in one namespace, as a notebook would."""
    order = json.loads(Path(order_file).read_text("utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    failures: list[tuple[int, str]] = []
    measured: dict[str, list[str]] = {}
    outputs: dict[int, str] = {}
    for block in order["blocks"]:
        if block["kind"] == "pycon":
            failures += _run_examples(block, order["page"], namespace, outputs)
        else:
            measured[block["name"]], trouble = _measure(block["text"], namespace)
            failures += [(block["line"], trouble)] * bool(trouble)
        if any(RAISED in text for _, text in failures):
            break  # the blocks after it would fail for the same reason
    results = {"failures": failures, "measured": measured, "outputs": outputs}
    Path(results_file).write_text(json.dumps(results), "utf-8")


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
    block: dict[str, Any], page: str, namespace: dict[str, Any], outputs: dict[int, str]
) -> list[tuple[int, str]]:
    """Return the failures of a block, up to the first exception that no example shows.

    What examples printed goes to `outputs`.
    """
    found: list[tuple[int, str]] = []
    for example in doctest.DocTestParser().get_examples(block["text"], page):
        out: list[str] = []
        one = doctest.DocTest([example], {}, page, page, block["line"] - 1, None)
        one.globs = namespace  # not a copy: functions see later definitions
        runner, line = Runner(optionflags=FLAGS), block["line"] + example.lineno
        runner.run(one, out=out.append, clear_globs=False)
        if out:
            found.append((line, _short("".join(out))))
        if runner.got:
            outputs[line] = runner.got
        if RAISED in "".join(out):
            break
    return found


def _short(report: str) -> str:
    """Return a doctest failure without its first two lines, the asterisks and the place."""
    return "\n".join(report.strip().splitlines()[2:])


if __name__ == "__main__":
    main(*sys.argv[1:])
