"""What the docs say is what runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup

import gateparity
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.commands.cli import VERBS
from gateparity.conformance.judgement.deviations import DEVIATIONS, Deviation
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.reports.layout_report import layouts_page
from gateparity.conformance.reports.markdown import to_markdown
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.plan import named_plan
from gateparity.layouts import LAYOUTS
from gateparity.protocol.adapter import FEATURES
from tests.command import run_command

ROOT = Path(__file__).parents[1]
DOCS, README = ROOT / "docs", ROOT / "README.md"
PAGES = sorted(DOCS.glob("*.md"))
NAMED = [word for name in RECIPES for word in ("--case", name)]  # without the array


def blocks(page: str) -> list[str]:
    """Its Python, in order."""
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def example() -> str:
    return blocks("adapters.md")[0]


def results(folder: Path, spec: str, code: str, *more: str) -> tuple[int, list[dict[str, Any]]]:
    """What `gateparity check` ends with and finds of a class of this module."""
    module, _, name = spec.partition("@")[0].partition(":")
    (folder / f"{module}.py").write_text(code)
    command = ["check", "--json", "run.json", "--backend", "numpy", "--backend", spec, *more]
    done = run_command(*command, cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    found = json.loads((folder / "run.json").read_text())["results"]
    return done.returncode, [result for result in found if result["variant"] == name]


def check(folder: Path, code: str, *more: str) -> tuple[int, dict[tuple[str, str], set[str]]]:
    returned, told = results(folder, "my_lstm:MyLSTM", code, *more)
    found: dict[tuple[str, str], set[str]] = {}
    for result in told:
        found.setdefault((result["check"], result["case"]), set()).add(result["status"])
    return returned, found


def test_the_example_adapter_is_short_and_agrees(tmp_path):
    assert len(example().splitlines()) <= 40
    code, found = check(tmp_path, example())
    assert code == 0
    passed = {key for key, statuses in found.items() if statuses == {"pass"}}
    assert {check for check, _ in passed} >= {"forward", "layout", "batch", "values", "refusal"}
    assert all(statuses == {"skip"} for key, statuses in found.items() if key not in passed)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('order="igfo"', 'order="ifgo"'),
        ("sigmoid(f + 1)", "sigmoid(f)"),
        ("forget_offset=1.0", "forget_offset=0.5"),
        ('states["h"][0]', "zeros[0]"),
        ("np.concatenate([x, h], -1)", "np.concatenate([x, 0 * h], -1)"),
    ],
)
def test_the_example_adapter_with_a_mistake_differs(right, wrong, tmp_path):
    assert example().count(right) == 1
    code, found = check(tmp_path, example().replace(right, wrong), *NAMED)
    assert code == 1
    assert "fail" in found["forward", "sequence"]


ERRATA = re.findall(
    r"^\| `(\w+)` \| .* \| `(.*)` \| (.*) \|$", (DOCS / "errata.md").read_text(), re.MULTILINE
)

EXTREMES = pytest.mark.filterwarnings(
    "ignore:(overflow|invalid value) encountered:RuntimeWarning"  # in values, as they should
)


@pytest.fixture(scope="module")
def tutorial() -> dict[str, Any]:
    """The classes of the page, by name."""
    classes: dict[str, Any] = {"__name__": "tutorial"}
    exec("\n\n".join(blocks("errata.md")), classes)
    return classes


@EXTREMES
def test_the_tutorial_of_the_errata_agrees(tutorial):
    found = gateparity.check_adapter(tutorial["Tutorial"]())
    assert {result.status for result in found} == {"pass", "skip"}


@EXTREMES
@pytest.mark.parametrize(("name", "words", "checks"), ERRATA, ids=[name for name, *_ in ERRATA])
def test_an_erratum_is_seen_as_its_row_says(name, words, checks, tutorial):
    """By the default plan, named cases and problems alike."""
    found = gateparity.check_adapter(tutorial[name]())
    seen = [result for result in found if result.status in {"fail", "error"}]
    failing = {result.check for result in seen}
    assert [check for check in CHECKS if check in failing] == re.findall(r"\w+", checks)
    assert any(words in result.reason for result in seen)


def test_every_class_of_the_errata_has_a_row():
    classes = re.findall(r"^class (\w+)", "\n".join(blocks("errata.md")), re.MULTILINE)
    assert classes == ["Tutorial", *(name for name, *_ in ERRATA)]


def test_every_requirement_is_a_check_of_that_number_and_name():
    text = (DOCS / "conformance.md").read_text()
    headings = re.findall(r"^## (\d+)\. (\w+)$", text, re.MULTILINE)
    assert [int(number) for number, _ in headings] == list(range(1, 18))
    assert [name for _, name in headings] == list(CHECKS)
    for number, name in headings:
        assert CHECKS[name].requirement.__doc__.startswith(f"{number}. ")
        assert CHECKS[name].requirement.__name__ == name


def test_every_known_deviation_stands_in_the_table():
    page, _, _ = (DOCS / "deviations.md").read_text().partition("\nAn entry also")
    backends = re.findall(r"^\| .*\|$", page, re.MULTILINE)
    assert backends[0].startswith("| framework | variants |")
    assert backends[1:] == [table_row(known) for known in DEVIATIONS]


def test_the_page_of_layouts_is_what_the_command_writes():
    mark, _, page = (DOCS / "layouts.md").read_text().partition("\n")
    assert mark.startswith("<!-- Written by gateparity ")
    assert page == to_markdown(layouts_page(list(LAYOUTS.values())))


def table_row(known: Deviation) -> str:
    title = f"{FRAMEWORKS[known.framework].title} {known.versions}".rstrip(" .")
    where = f"{title} | {', '.join(known.variants)} | {known.must.words} | {known.may.words}"
    source = f"[link]({known.link})"
    return f"| {where} | {', '.join(known.dtypes)} | {known.reason} | {source} |"


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.stem)
def test_a_link_to_a_file_of_ours_leads_to_one(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)", page.read_text()):
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.is_file(), target  # a folder is no page: the site has nothing to show
        assert not anchor or anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """Of the headings, as a code host and the site spell them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_sites_toctree_once():
    text = (DOCS / "index.md").read_text()
    toctrees = re.findall(r"```{toctree}\n(?::[^\n]*\n)*\n([^`]*)```", text)
    named = [name for toctree in toctrees for name in toctree.split()]
    assert len(named) == len(set(named))
    assert "(others)" in named  # where docs/_extensions/pages.py puts what isn't named
    assert {*named} - {"(others)"} <= {page.stem for page in PAGES} - {"index"}


def test_the_reference_has_every_name_that_is_exported():
    text = (DOCS / "api.md").read_text()
    told = re.findall(r"^\.\. [\w:]+:: gateparity\.(\w+)$", text, re.MULTILINE)
    assert sorted(told) == sorted(gateparity.__all__)


COMMANDS = {
    f"{page.stem}: {line}": line
    for page in (*PAGES, README)
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    for line in re.findall(r"^\$ (gateparity [a-z].*?)(?: +#.*)?$", block, re.MULTILINE)
}


@pytest.mark.parametrize("line", COMMANDS.values(), ids=list(COMMANDS))
def test_a_command_can_be_read(line):
    verbs = {verb.name: verb for verb in VERBS}
    name, *words = shlex.split(line)[1:]
    command = verbs[name].load()
    if isinstance(command, TyperGroup):
        name, *words = words
        command = command.commands[name]
    command.make_context(name, words)


def test_a_key_of_unsupported_is_told():
    text = (DOCS / "adapters.md").read_text()
    table = re.search(r"^\| `unsupported` \|.*\n(?:\|.*\n)+", text, re.MULTILINE)[0]
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|[^|]*\|", table, re.MULTILINE)))
    assert sorted(told[1:]) == sorted(FEATURES)


def test_a_key_of_unsupported_is_what_a_check_needs_or_training():
    plan = named_plan((), (), 0)
    needed = {key for check, case in plan for key in (*check.needs, *case.needs)}
    assert needed | {"train"} == {*FEATURES}


def test_the_types_of_an_adapter_are_imported_from_one_place():
    text = (DOCS / "adapters.md").read_text()
    [names] = re.findall(r"`from gateparity import ([\w, ]+)`", text)
    assert {*names.split(", ")} < {*gateparity.__all__}


def test_what_comes_in_is_as_it_is_told():
    """States both or neither, lengths in one dtype."""
    batches = []

    class Spy(Scratch):
        def forward(self, config, params, batch):
            batches.append(batch)
            return super().forward(config, params, batch)

    found = gateparity.check_adapter(Spy(), cases=list(RECIPES))
    assert {result.status for result in found} == {"pass", "skip"}
    assert {b.states is None for b in batches} == {False, True}
    assert {b.lengths.dtype.name for b in batches if b.lengths is not None} == {"int32"}


def test_the_example_test_module_inherits_the_suite(tmp_path):
    adapter, _, tests, call = blocks("adapters.md")
    (tmp_path / "my_lstm.py").write_text(adapter)
    (tmp_path / "test_my_lstm.py").write_text(tests)
    run = ("-m", "pytest", "-p", "no:cacheprovider", "-q", "-k", "forward or carry or lengths")
    done = python(tmp_path, *run)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed, \d+ skipped", done.stdout)
    done = python(tmp_path, "-c", call)
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines} == {"forward"}
    statuses = {line.partition(" float")[2].split()[1] for line in lines}
    assert statuses == {"pass", "skip"}, done.stderr


def test_the_example_of_a_finished_model_agrees(tmp_path, tensorflow_backend):
    """Keras itself: outputs in the cases that begin from zeros, with biases and without."""
    spec = f"keras_model:Sequence@{tensorflow_backend.python}"
    code = blocks("adapters.md")[1]
    returned, told = results(tmp_path, spec, code, *NAMED)
    assert returned == 0, told
    found = {(r["check"], r["case"]) for r in told if r["status"] == "pass"}
    cases = {
        "forward": ("plain", "zero_states"),
        "layout": ("plain",),
        "values": ("all_zero", "growing"),
        "dtypes": ("growing",),
        "calls": ("zero_states", "square"),
    }
    assert found == {(check, case) for check, names in cases.items() for case in names}
    reasons = {r["reason"] for r in told if r["check"] == "carry"}
    assert reasons == {"the model returns its outputs alone"}
    assert {r["status"] for r in told} == {"pass", "skip"}


def test_the_example_entry_point_is_found(tmp_path):
    """Installed as pip lays it out, under the name that the example gives it."""
    text = re.search(r"```toml\n(.*?)```", (DOCS / "adapters.md").read_text(), re.DOTALL)[1]
    [(group, points)] = tomllib.loads(text)["project"]["entry-points"].items()
    [(name, target)] = points.items()
    package = tmp_path / target.partition(":")[0].replace(".", "/")
    package.parent.mkdir()
    package.with_suffix(".py").write_text(example())
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
    work = ("--check", "forward", "--case", "unit", "--backend", "numpy", "--backend", name)
    done = run_command("check", *work, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"--backend {name}" in (DOCS / "adapters.md").read_text()


def test_the_example_of_several_machines(all_frameworks, tmp_path):
    """The commands of docs/machines.md, on the real frameworks, cut to one case."""
    specs = {spec.partition("@")[0]: spec for spec in all_frameworks}
    text = (DOCS / "machines.md").read_text()
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)[1]
    commands = re.findall(r"^\$ gateparity (.*?)(?: +#.*)?$", block, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["check", "check", "compare"]
    for line in commands:
        words = [specs.get(word, word) for word in line.split()]
        if words[0] == "check":
            words += ["--check", "forward", "--case", "unit"]
        done = run_command(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "torch:layer" in done.stdout
    assert "jax:layer" in done.stdout
    # Named by its path, as tox does, a row is recorded by its version; then by its file.
    assert re.search(r"numpy:scratch(@[\d.]+)?@torch\b", done.stdout)
    assert re.search(r"numpy:scratch(@[\d.]+)?@jax\b", done.stdout)
    assert (tmp_path / "parity.md").read_text().count("# gateparity compare: agrees") == 1


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
