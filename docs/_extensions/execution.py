"""Run the code of pages in the installed frameworks: `python docs/_extensions/execution.py`.

The interpreter of a framework is tox's, if tox has made one, or else the one that `gateparity
check` uses. Arguments are names of pages and of frameworks (`lesson-cell torch jax`). They restrict
the run.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.spec import parse_backends

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from _extensions.lesson import framework_names, program, read_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from _extensions.lesson import Part

DOCS: Final = Path(__file__).parents[1]
SECONDS: Final = 300  # for the code of one page in one framework
_PROGRAM: Final = Path(__file__).with_name("program.py")
_SURROUNDINGS: Final = {
    "JAX_PLATFORMS": "cpu",
    # As many programs run at once as there are cores. Threads of several programs would wait for
    # each other, and measurements would be noise.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUTF8": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclasses.dataclass(frozen=True)
class Executed:
    """The outcome of a page in one framework; `missing` says why it could not be run there.

    `measured` has the lines of each measured block, by name, and `outputs` what each example
    printed, by its line.
    """

    page: str
    framework: str
    failures: tuple[tuple[int, str], ...] = ()
    measured: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    missing: str = ""
    outputs: Mapping[int, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0


def execute_pages(
    pages: Iterable[Path],
    frameworks: Sequence[str] = (),
    progress: Callable[[str, list[Executed]], None] = lambda *_: None,
) -> list[Executed]:
    """Run every page in every framework that it has code for, as many at once as cores.

    `progress` is called with the name and the outcomes of each page that is done.
    """
    jobs = []
    for page in pages:
        parts = read_parts(page.read_text("utf-8"))
        if not any(part.kind != "text" for part in parts):
            continue
        names = [n for n in framework_names(parts) or [""] if not frameworks or n in frameworks]
        jobs += [(page.stem, name, program(parts, name)) for name in names]
    found = {name: find_python(name) for name in {name for _, name, _ in jobs}}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = []
        running = pool.map(lambda job: _execute(*job, *found[job[1]]), jobs)
        for page, group in itertools.groupby(running, lambda done: done.page):
            outcomes += (done := list(group))
            progress(page, done)
        return outcomes


def find_python(framework: str) -> tuple[Path | None, str]:
    """Return a framework's interpreter, or the reason why there is none.

    Return this interpreter if no framework is needed.
    """
    if not framework:
        return Path(sys.executable), ""
    backend = parse_backends([name_backend(framework)])[0]
    return backend.python, backend.missing


def name_backend(framework: str) -> str:
    """Return a framework's spec, relative to the current folder."""
    folder = Path(os.environ.get("GATEPARITY_TOX") or DOCS.parent / ".tox") / framework
    return f"{framework}@{os.path.relpath(folder)}" if folder.is_dir() else framework


def _execute(
    page: str, framework: str, blocks: Sequence[Part], python: Path | None, missing: str
) -> Executed:
    if python is None:
        return Executed(page, framework, missing=missing)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        order_file, results_file = Path(folder, "order.json"), Path(folder, "results.json")
        order = {"page": page, "blocks": [dataclasses.asdict(block) for block in blocks]}
        order_file.write_text(json.dumps(order), "utf-8")
        command = [str(python), "-I", str(_PROGRAM), str(order_file), str(results_file)]
        trouble = _run(command, folder)
        if not results_file.is_file():
            return Executed(page, framework, ((blocks[0].line, trouble),))
        answer = json.loads(results_file.read_text("utf-8"))
    failures = tuple((line, text) for line, text in answer["failures"])
    outputs = {int(line): text for line, text in answer["outputs"].items()}
    seconds = time.monotonic() - began
    return Executed(page, framework, failures, answer["measured"], "", outputs, seconds)


def _run(command: list[str], folder: str) -> str:
    """Run a command and describe how it ended, which explains missing results."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **_SURROUNDINGS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it ran for more than {SECONDS} seconds"
    return f"exit code {done.returncode}: " + "\n".join(done.stderr.splitlines()[-5:])


def _main(words: Sequence[str]) -> int:
    named = [DOCS / f"{word}.md" for word in words if word not in FRAMEWORKS]
    pages = named or sorted(DOCS.glob("*.md"))
    failed = 0
    for done in execute_pages(pages, [word for word in words if word in FRAMEWORKS]):
        state = done.missing or ("FAILED" if done.failures else "ok")
        print(f"{done.page} {done.framework}: {state}")  # noqa: T201
        for line, text in done.failures:
            print(f"docs/{done.page}.md:{line}: {text}\n")  # noqa: T201
        for name, lines in done.measured.items():
            print(name, *lines, sep="\n    ")  # noqa: T201
        failed += bool(done.failures)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
