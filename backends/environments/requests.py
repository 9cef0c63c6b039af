"""Requests for environments: a framework at its pins, or other versions of it.

`jax` is the pinned version. `jax==0.9.2 flax==0.12.0` becomes `jax@0.9.2`, with the requirements
that follow a framework on the line. `jax --python 3.13` becomes `jax@py3.13`. Any other request
needs an explicit name.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from gateparity.backends.catalogue import ENVIRONMENTS
from gateparity.errors import InputError, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateparity.backends.catalogue import Framework

NAME: Final = re.compile(r"[a-z0-9._-]+")  # after the @ of an environment's name
_PYTHON: Final = re.compile(r"\d+\.\d+")


@dataclasses.dataclass(frozen=True)
class Request:
    """A request for one environment: its name, `jax` or `jax@NAME`, and what to install in it.

    `asked` are requirements in pip's format that replace pins. `python` is a version or an
    interpreter's path, or empty if any will do.
    """

    framework: Framework
    name: str
    requirements: tuple[str, ...] = ()
    python: str = ""

    @property
    def command(self) -> str:
        """Return the command line that creates this environment."""
        where, label = self.name.partition("@")[::2]
        words = [
            *(map(shlex.quote, self.requirements) if self.requirements else [where]),
            *(("--python", self.python) if self.python else ()),
        ]
        named = not label or label == _label(self.framework, self.requirements, self.python)
        return " ".join(["gateparity env create", *words, *(() if named else ("--name", label))])

    @property
    def names(self) -> frozenset[str]:
        """Return the packages that the request names or pins, without their dependencies."""
        return frozenset(_pinned(self.framework)) | {
            canonicalize_name(Requirement(word).name) for word in self.requirements
        }

    def lines(self, python: str) -> tuple[list[str], bool]:
        """Return the requirements for that Python, such as `3.13`, and whether they are complete.

        Without requirements of the user's, these are the framework's pins. A requirement replaces
        the pin of its package. If it names another version of the framework itself, the other pins
        are dropped and pip chooses. A complete list is installed with `--no-deps`.
        """
        complete = self.framework.complete_requirements(python)
        pins = _lines((complete or self.framework.requirements).read_text("utf-8"))
        requirements: dict[str, Requirement] = {
            canonicalize_name(word.name): word for word in map(Requirement, self.requirements)
        }
        if not requirements:
            return pins, complete is not None
        main = next(
            (requirements.pop(name) for name in _names(self.framework) if name in requirements),
            None,
        )
        is_open = complete is None and main is not None and not _is_bare(main)
        chosen = [
            _choose(Requirement(pin), main, requirements, self.framework, is_open=is_open)
            for pin in pins
        ]
        extra = [str(word) for word in requirements.values()]
        return list(dict.fromkeys([*chosen, *extra])), complete is not None


def parse_requests(words: Sequence[str], *, name: str = "", python: str = "") -> list[Request]:
    """Return the environments that the arguments of `gateparity env create` name, in order.

    A requirement that is no framework belongs to the framework that pins it, or else to the one
    before it. A requirement for NumPy, such as `numpy==...`, belongs to the framework before it if
    there is one. Raise `InputError` for a word that is neither a framework nor a requirement, and
    for a name that is missing or not allowed.
    """
    groups: list[tuple[Framework, list[str]]] = []
    for word in words:
        requirement = _read(word)
        framework = _framework(requirement)
        if framework and not (_is_extra(requirement) and groups):
            groups.append((framework, [] if _is_bare(requirement) else [str(requirement)]))
        else:
            _owner(requirement, groups).append(str(requirement))
    if name and len(groups) > 1:
        raise InputError("--name names one environment: name one framework")
    if name and not NAME.fullmatch(name):
        raise InputError(f"the name {name!r} can't be: expected a-z, 0-9, '.', '_' and '-'")
    return [
        Request(
            framework,
            _full_name(framework, requirements, name, python),
            tuple(requirements),
            python,
        )
        for framework, requirements in groups
    ]


def known_framework(name: str) -> Framework:
    """Return the framework with that name. Raise `InputError` that lists all names."""
    refuse_unknown("framework", [name], ENVIRONMENTS)
    return ENVIRONMENTS[name]


def named_request(name: str) -> Request:
    """Return the request that an environment's name alone implies: the pinned version, or another.

    Raise `InputError` if the name implies none.
    """
    framework = known_framework(name.partition("@")[0])
    label = name.partition("@")[2]
    if not label:
        return Request(framework, framework.name)
    if is_version(label):
        return Request(framework, name, (f"{framework.name}=={label}",))
    if label.startswith("py") and _PYTHON.fullmatch(label[2:]):
        return Request(framework, name, python=label[2:])
    raise InputError(f"the name {name} doesn't tell what it is to hold: gateparity env create")


def is_version(text: str) -> bool:
    """Return whether a text is a valid version of a package."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _read(word: str) -> Requirement:
    name, _, version = word.partition("@")
    if name in ENVIRONMENTS and is_version(version):  # as `env list` has it
        word = f"{name}=={version}"
    try:
        return Requirement(word)
    except InvalidRequirement:
        raise InputError(
            f"{word!r} is no requirement: expected a framework, or a version as in jax==0.9.2"
        ) from None


def _framework(requirement: Requirement) -> Framework | None:
    name = canonicalize_name(requirement.name)
    return next((f for f in ENVIRONMENTS.values() if name in _names(f)), None)


def _names(framework: Framework) -> tuple[str, ...]:
    return framework.name, *framework.distributions


def _owner(requirement: Requirement, groups: list[tuple[Framework, list[str]]]) -> list[str]:
    """Return the list of requirements that a requirement belongs to, if it is no framework."""
    name = canonicalize_name(requirement.name)
    owners = [requirements for framework, requirements in groups if name in _pinned(framework)]
    if not groups or (_is_bare(requirement) and not owners):  # a misspelt framework, most likely
        known_framework(requirement.name)
    return owners[-1] if owners and name != "numpy" else groups[-1][1]


def _is_extra(requirement: Requirement) -> bool:
    """Return whether a requirement is NumPy with a version, as another framework may need it."""
    return requirement.name == "numpy" and not _is_bare(requirement)


def _is_bare(requirement: Requirement) -> bool:
    return str(requirement) == requirement.name


def _is_plain(requirement: Requirement) -> bool:
    return not (requirement.extras or requirement.url or requirement.marker)


def _pinned(framework: Framework) -> set[str]:
    pins = _lines(framework.requirements.read_text("utf-8"))
    return {canonicalize_name(Requirement(pin).name) for pin in pins}


def _choose(
    pin: Requirement,
    main: Requirement | None,
    requirements: dict[str, Requirement],
    framework: Framework,
    *,
    is_open: bool,
) -> str:
    name = canonicalize_name(pin.name)
    if name in requirements:
        return str(requirements.pop(name))
    if name in _names(framework):
        if main is None:
            return str(pin)
        if not _is_plain(main):
            return str(main)
        pin.specifier = main.specifier or pin.specifier
    elif is_open:
        pin.specifier = type(pin.specifier)()
    return str(pin)


def _full_name(framework: Framework, requirements: Sequence[str], name: str, python: str) -> str:
    if not requirements and not python and not name:
        return framework.name
    label = name or _label(framework, requirements, python)
    if label is None:
        wish = " ".join(requirements) or f"--python {python}"
        raise InputError(f"{wish} makes no name for an environment: give it one with --name")
    return f"{framework.name}@{label}"


def _label(framework: Framework, requirements: Iterable[str], python: str) -> str | None:
    """Return `0.9.2`, `0.9.2-py3.13` or `py3.13`, or None if a version or Python is inexact."""
    main = next((w for w in map(Requirement, requirements) if _framework(w) is framework), None)
    exact = "" if main is None and not list(requirements) else _exact(main)
    if exact is None or (python and not _PYTHON.fullmatch(python)):
        return None
    return "-".join(filter(None, (exact, python and f"py{python}")))


def _exact(requirement: Requirement | None) -> str | None:
    specifiers = list(requirement.specifier) if requirement else []
    if len(specifiers) != 1 or specifiers[0].operator != "==" or "*" in specifiers[0].version:
        return None
    return re.sub(r"[^a-z0-9._-]", "-", specifiers[0].version.lower())


def _lines(requirements: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return [line for line in lines if line]
