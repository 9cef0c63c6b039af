"""The page of the architecture names what is there: folders, files, functions, tests and layers."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
(TREE,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
LINES = [line.split(None, 1) for line in TREE.splitlines() if line]
WORDS = re.findall(r"`([\w./-]+)(?:::\w+)?`", PAGE)
PATHS = sorted({word for word in WORDS if "/" in word or word.endswith((".ini", ".md", ".toml"))})
NODES = sorted(set(re.findall(r"`([\w./-]+)::(\w+)`", PAGE)))
STEPS = re.findall(r"^\| \d+ \| `([\w/]+\.py)` \| ([^|]+) \|", PAGE, re.MULTILINE)
IN_A_FILE = re.findall(r"((?:`[\w.]+`(?:, | and )?)+) (?:in|of) `([\w/]+\.py)`", PAGE)
LAYERS = re.findall(r"^\| \d+ \| ((?:`[a-z_.]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACT = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
PRODUCT = ("core", "backends", "conformance")


def folders(name: str) -> set[str]:
    """The folder and those in it that hold files, with a slash at the end of each."""
    files = [path for path in (ROOT / name).rglob("*") if path.suffix in (".py", ".html")]
    return {f"{path.parent.relative_to(ROOT).as_posix()}/" for path in files}


@functools.cache
def defined(path: str) -> set[str]:
    """Functions, classes, methods and constants of a module; those of a class as `Class.name`."""
    names: set[str] = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        found = names_of(node)
        names |= found
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for inner in node.body for name in names_of(inner)}
    return names


def names_of(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize("path", [*PATHS, *(path for path, _ in LINES)])
def test_a_path_that_is_named_exists(path):
    assert any(ROOT.glob(path.replace("NAME", "*").rstrip("/"))), path


def test_every_folder_has_one_line_in_the_tree():
    named = [path for path, _ in LINES if path.startswith(PRODUCT) and path.endswith("/")]
    assert sorted(named) == sorted(set().union(*map(folders, PRODUCT)))


def test_every_line_of_the_tree_says_what_is_there():
    assert all(len(line) == 2 for line in LINES)


@pytest.mark.parametrize(("path", "name"), NODES, ids=[name for _, name in NODES])
def test_a_test_that_is_named_exists(path, name):
    assert name in defined(path)


@pytest.mark.parametrize(
    ("path", "names"), [*STEPS, *((path, names) for names, path in IN_A_FILE)], ids=str
)
def test_what_is_said_to_be_in_a_file_is_defined_there(path, names):
    found = re.findall(r"`([\w.]+)`", names)
    assert found
    assert not {*found} - defined(path)


def test_there_is_a_walk_and_a_place_for_each_addition():
    assert len(STEPS) > 20
    assert len(IN_A_FILE) > 5
    additions = PAGE.partition("\n## Where to put")[2]
    assert len(re.findall(r"^\| \*\*", additions, re.MULTILINE)) == 12


def test_the_layers_are_those_of_the_contract():
    named = [set(re.findall(r"`([\w.]+)`", cell)) for cell in LAYERS]
    assert named == [set(line.split(" | ")) for line in reversed(CONTRACT)]


def test_every_folder_and_every_loose_module_is_in_a_layer_of_the_contract():
    held = {name for line in CONTRACT for name in line.split(" | ")}
    loose = {"__init__", "moved", "conformance.__init__", "backends.__init__"}
    tests = {"conformance.test_parity"}  # imported by nothing
    assert set(modules("core", "") | modules("backends", "backends.")) - loose <= held
    assert modules("conformance", "conformance.") - loose - tests <= held


def test_every_folder_is_a_package_of_the_wheel():
    named = PYPROJECT["tool"]["setuptools"]["packages"]
    homes = [name.removeprefix("gateparity").lstrip(".").replace(".", "/") for name in named]
    found = {home if home.startswith(PRODUCT) else f"core/{home}".rstrip("/") for home in homes}
    assert {f"{home}/" for home in found} == set().union(*map(folders, PRODUCT))


def modules(folder: str, prefix: str) -> set[str]:
    """The packages and the modules that lie in a folder, as the contract spells them."""
    files = {prefix + path.stem for path in (ROOT / folder).glob("*.py")}
    return files | {prefix + path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
