"""The options of `gateparity check` and `compare`, as typer takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gateparity.backends.checkpoints.registry import list_suffixes
from gateparity.conformance.commands.completion import (
    complete_backend,
    complete_case,
    complete_check,
)
from gateparity.conformance.failures.saver import FOLDER
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS


def backend_option(words: str) -> Any:
    """Return the option `--backend` with a verb's own help text."""
    return typer.Option(
        "--backend", "-b", metavar="SPEC", help=words, autocompletion=complete_backend
    )


Specs = Annotated[
    list[str] | None,
    backend_option(
        r"NAME\[:VARIANT]\[@WHERE] or module:Class; repeat for more. All found by default."
    ),
]
Cases = Annotated[
    list[str] | None,
    typer.Option(
        "--case",
        metavar="NAME",
        help=f"One of {', '.join(RECIPES)}; repeat for more.",
        autocompletion=complete_case,
    ),
]
Problems = Annotated[
    list[int] | None,
    typer.Option(
        "--problem",
        metavar="N",
        help="A problem of the array that the seed draws, from 1; repeat for more.",
    ),
]
AllProblems = Annotated[
    bool,
    typer.Option(
        "--all-problems",
        help="Run all problems of the array in JAX, TensorFlow and MXNet too, which takes minutes.",
    ),
]
Checks = Annotated[
    list[str] | None,
    typer.Option(
        "--check",
        metavar="NAME",
        help=f"One of {', '.join(CHECKS)}; repeat for more.",
        autocompletion=complete_check,
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Draw other weights and inputs.")]
Weights = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=f"A file with the weights of an LSTM, {list_suffixes()}."),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        metavar="PATH", help="Where the LSTM is in it, as `gateparity inspect` prints it."
    ),
]
Input = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Your own problem, .npz or .safetensors, for --weights: x, and if you like h_0, c_0, "
        "lengths, cotangents, and the values that you expect.",
    ),
]
TextFile = Annotated[
    Path | None, typer.Option("--text", metavar="FILE", help="A text, fed as one-hot characters.")
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")
]
Junit = Annotated[
    Path | None,
    typer.Option(
        "--junit",
        metavar="FILE",
        help="Write the results as JUnit XML, with a suite for each backend.",
    ),
]
Markdown = Annotated[
    Path | None,
    typer.Option(
        "--markdown",
        metavar="FILE",
        help='Another name for --report FILE.md: cat FILE >> "$GITHUB_STEP_SUMMARY".',
    ),
]
Report = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write the report as a page, .html, or as Markdown, .md; repeat for both.",
    ),
]
Wide = Annotated[
    bool, typer.Option("--wide", help="A column for each dtype, in the matrix of checks.")
]
Record = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Keep inputs, results and manifests in one .safetensors file, for `gateparity "
        "compare`. With it one backend is enough, and failures are saved only with `--save`.",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit code 1 where a result is undecided, too.")
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Replace output files that gateparity didn't write for the same purpose."
    ),
]
TimeLimit = Annotated[
    float,
    typer.Option(
        min=0.001,
        max=86_400.0,
        metavar="SECONDS",
        help="The longest that one call may take.",
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache", help="Compile all programs of JAX and TensorFlow anew, and keep none."
    ),
]
Isolate = Annotated[
    bool,
    typer.Option(
        "--isolate",
        help="A worker for each backend; else the variants of one framework take turns in one.",
    ),
]
Profile = Annotated[
    bool,
    typer.Option("--profile", help="Print where the time went: compilation, calls, transport..."),
]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FOLDER",
        help=f"The folder for failing cases, made small for `gateparity replay`. By default "
        f"{FOLDER}, made when something fails.",
    ),
]
NoSave = Annotated[bool, typer.Option("--no-save", help="Don't shrink and save failing cases.")]
