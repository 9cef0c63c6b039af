"""The command `gateparity` in tests: each call is a process of its own.

It is forked from a process that has imported the verbs, which takes longer than most of them work.
What Python or a library reads when it starts is that process's own: where this matters, a test
starts Python.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gateparity.conformance.commands.cli import VERBS, main

_ROOT = str(Path(__file__).parents[1])
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "typer._adapters",  # pydantic, which a new typer imports late; what isn't there is left out
        *(f"gateparity.conformance.commands.{verb.target.partition(':')[0]}" for verb in VERBS),
    ]
)
_DROPPED = ("FORCE_COLOR", "TTY_", "PYTEST_")  # colours, and what pytest says of itself


def run_command(
    *words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `gateparity` with those words and no input, in a folder and with further variables."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(_DROPPED)} | (env or {})
    arguments = [str(word) for word in words]
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        process = _FORKS.Process(
            target=_perform, args=(arguments, str(cwd or Path.cwd()), environ, outputs)
        )
        process.start()
        process.join()
        stdout, stderr = (path.read_text("utf-8") for path in outputs)
    return subprocess.CompletedProcess(arguments, process.exitcode, stdout, stderr)


def _perform(arguments: list[str], cwd: str, environ: dict[str, str], outputs: list[Path]) -> None:
    """Be the command in this process: its folder, its variables and its outputs."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    for stream, path in zip(("stdout", "stderr"), outputs, strict=True):
        file = path.open("w", encoding="utf-8", errors="backslashreplace")
        os.dup2(file.fileno(), getattr(sys, f"__{stream}__").fileno())
        setattr(sys, stream, file)
    modules = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = [cwd, *modules, *(path for path in sys.path if path != _ROOT)]
    sys.argv = ["gateparity", *arguments]
    main()
