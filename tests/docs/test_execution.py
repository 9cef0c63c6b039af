"""The code of a page is run as a notebook would, and what differs is told with its line."""

from __future__ import annotations

import pytest

from _extensions import execution
from _extensions.execution import execute_pages, find_python
from gateparity.backends import spec


@pytest.fixture
def run(tmp_path):
    def run(text, *frameworks):
        page = tmp_path / "page.md"
        page.write_text(text, "utf-8")
        return execute_pages([page], frameworks)

    return run


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """No environment anywhere, and none remembered."""
    spec._find_python.cache_clear()
    for name in ("GATEPARITY_TOX", "GATEPARITY_ENVS"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    yield
    spec._find_python.cache_clear()


def test_a_page_that_prints_what_it_says_has_no_failures(run):
    [done] = run("# T\n\n```pycon\n>>> 1 + 1\n2\n```\n")
    assert (done.page, done.framework, done.failures, done.missing) == ("page", "", (), "")


def test_what_every_example_printed_is_kept_with_its_line(run):
    [done] = run("# T\n\n```pycon\n>>> a = 1\n>>> a\n1\n>>> print('b c')\nb ...\n```\n")
    assert done.outputs == {5: "1\n", 7: "b c\n"}


def test_another_result_is_told_with_its_line(run):
    [done] = run("# T\n\n```pycon\n>>> 1 + 1\n2\n>>> 1 + 1\n3\n>>> 1\n2\n```\n")
    assert [line for line, _ in done.failures] == [6, 8]
    assert done.failures[0][1].splitlines() == [
        "Failed example:",
        "    1 + 1",
        "Expected:",
        "    3",
        "Got:",
        "    2",
    ]


def test_what_follows_an_exception_is_not_run(run):
    [done] = run("```pycon\n>>> a = b\n>>> a\n1\n```\n\n```pycon\n>>> a\n```\n")
    [(line, text)] = done.failures
    assert line == 2
    assert "NameError: name 'b' is not defined" in text


def test_an_exception_that_a_page_shows_is_no_failure(run):
    page = "```pycon\n>>> 1 / 0\nTraceback (most recent call last):\nZeroDivisionError: {}\n```\n"
    [done] = run(page.format("division by zero"))
    assert not done.failures
    [done] = run(page.format("nothing of the kind"))
    assert done.failures


def test_a_function_sees_what_is_defined_after_it(run):
    blocks = (">>> def f():\n...     return k\n", ">>> k = 3\n", ">>> f()\n3\n")
    [done] = run("".join(f"```pycon\n{block}```\n\n" for block in blocks))
    assert not done.failures


def test_what_a_block_measured_is_kept(run):
    [done] = run(
        "```pycon\n>>> k = 2\n```\n```{measured} cost\nprint('a', k)\nprint('b', 3)\n```\n"
    )
    assert done.measured == {"cost": ["a 2", "b 3"]}


def test_a_measured_block_that_fails_is_told(run):
    [done] = run("text\n```{measured} cost\nprint(1 / 0)\n```\n")
    [(line, text)] = done.failures
    assert line == 3
    assert "ZeroDivisionError" in text


def test_a_crash_is_told(run):
    [done] = run("```pycon\n>>> import os\n>>> os._exit(3)\n```\n")
    [(line, text)] = done.failures
    assert line == 2
    assert text.startswith("exit code 3")


def test_a_page_that_hangs_is_ended(run, monkeypatch):
    monkeypatch.setattr(execution, "SECONDS", 1)
    [done] = run("```pycon\n>>> while True: pass\n```\n")
    assert done.failures[0][1] == "it ran for more than 1 seconds"


def test_a_page_without_code_is_not_run(run):
    assert run("# Title\n\n```python\n1 / 0\n```\n") == []


@pytest.mark.usefixtures("bare")
def test_a_framework_that_is_not_here_is_missing_and_no_failure(run):
    [done] = run(":sync: mxnet\n```pycon\n>>> import mxnet\n```\n")
    assert (done.framework, done.failures) == ("mxnet", ())
    assert "mxnet" in done.missing
    assert find_python("mxnet") == (None, done.missing)


def test_frameworks_can_be_chosen(run):
    page = ":sync: numpy\n```pycon\n>>> 1\n1\n```\n:::\n:sync: torch\n```pycon\n>>> 2\n2\n```\n"
    assert [done.framework for done in run(page, "numpy")] == ["numpy"]
