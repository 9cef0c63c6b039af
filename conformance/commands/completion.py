"""Shell completion for names of backends, cases and checks. It imports no framework."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, MutableMapping


def complete_backend(incomplete: str) -> list[str]:
    """Complete `--backend`: `torch`, `torch:layer`, installed adapters and environments."""
    from gateparity.backends.catalogue import FRAMEWORKS
    from gateparity.backends.installed import installed_adapters

    names = [*FRAMEWORKS, *installed_adapters()]
    rows = [f"{f.name}:{v}" for f in FRAMEWORKS.values() for v, _ in (*f.variants, *f.opt_in)]
    made = [name for name in complete_made("") if "@" in name]
    return _starting(incomplete, (*names, *rows, *made))


def complete_case(incomplete: str) -> list[str]:
    """Complete `--case` with the names of the cases."""
    from gateparity.conformance.problems.cases import RECIPES

    return _starting(incomplete, RECIPES)


def complete_check(incomplete: str) -> list[str]:
    """Complete `--check` with the names of the checks."""
    from gateparity.conformance.requirements.checks import CHECKS

    return _starting(incomplete, CHECKS)


def complete_environment(incomplete: str) -> list[str]:
    """Complete `gateparity env create` with what it makes environments of."""
    from gateparity.backends.catalogue import ENVIRONMENTS

    return _starting(incomplete, ENVIRONMENTS)


def complete_layout(incomplete: str) -> list[str]:
    """Complete `gateparity layout` with the names of the layouts."""
    from gateparity.layouts import LAYOUTS

    return _starting(incomplete, LAYOUTS)


def complete_made(incomplete: str) -> list[str]:
    """Complete `gateparity env repair` and `remove` with the environments that exist."""
    from gateparity.backends.environments.environments import list_environments

    return _starting(incomplete, [e.name for e in list_environments() if e.state != "absent"])


@contextlib.contextmanager
def joined_words(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Join `torch:la` to one word for the completion, and cut the answers again.

    Bash splits words at colons and completes only the part after the last one. Typer's script
    passes bash's words in `COMP_WORDS`, a line each, and the index of the one to complete in
    `COMP_CWORD`.
    """
    if environ.get("_GATEPARITY_COMPLETE") != "complete_bash":
        yield
        return
    words = environ["COMP_WORDS"].split("\n")[: int(environ["COMP_CWORD"]) + 1]
    joined = _join(words)
    kept = joined[-1].rpartition(":") if len(joined) < len(words) else ("", "", "")
    environ["COMP_WORDS"], environ["COMP_CWORD"] = "\n".join(joined), str(len(joined) - 1)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        for line in printed.getvalue().splitlines():
            sys.stdout.write(line.removeprefix("".join(kept[:2])) + "\n")


def _join(words: Iterable[str]) -> list[str]:
    joined: list[str] = []
    for word in words:
        if joined and (word == ":" or (joined[-1].endswith(":") and not word.startswith("-"))):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
