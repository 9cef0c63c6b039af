"""Backend specs: `NAME[:VARIANT][@WHERE]` or `module:Class[@WHERE]`, and where each one runs.

WHERE is an interpreter, an environment's folder, the name of one of gateparity's environments, such
as `jax@0.9.2`, or a host that ssh reaches (`backends/place.py`). Without WHERE, a shipped framework
is looked for in this interpreter first, then in gateparity's own environment for it. An installed
package's adapter and a class of the user's run in this interpreter.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import FRAMEWORKS, RUNTIMES
from gateparity.backends.environments.environments import (
    INSPECT,
    environment,
    environments_folder,
    interpreter,
    recall_request,
)
from gateparity.backends.environments.requests import NAME, is_version
from gateparity.backends.installed import installed_adapters
from gateparity.backends.place import parse_host
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.backends.catalogue import Framework
    from gateparity.backends.environments.requests import Request
    from gateparity.backends.installed import Installed
    from gateparity.backends.place import Place


_PROBE_LIMIT: Final = 30.0  # seconds for an interpreter to say that it is one


def parse_backends(specs: Sequence[str]) -> list[Backend]:
    """Return every backend that the specs name, in their order, each once.

    Raises `InputError` for an unknown backend or variant, a Python that isn't there, and for
    anything that is no list of names.
    """
    _require_names(specs)
    installed = installed_adapters()
    backends = [backend for spec in specs for backend in _parse(spec, installed)]
    return list({backend.label: backend for backend in backends}.values())


def find_backends() -> list[Backend]:
    """Return every variant of every framework that an interpreter has, and all installed adapters.

    Raise `InputError` for an installed adapter whose name is not allowed.
    """
    return [
        backend
        for backend in parse_backends([*FRAMEWORKS, *installed_adapters()])
        if backend.python
    ]


def find_runtime(name: str) -> tuple[Path | None, str]:
    """Return the interpreter that has a runtime of models, or why there is none."""
    return _find_python(RUNTIMES[name])


def probe(python: Path, framework: Framework) -> dict[str, Any]:
    """Ask an interpreter for `python` and `version`, and for `missing` modules, importing none.

    Raise `InputError` if it doesn't answer.
    """
    question = json.dumps([framework.distributions, framework.modules])
    try:
        done = subprocess.run(
            [str(python), "-c", INSPECT, question],
            capture_output=True,
            text=True,
            timeout=_PROBE_LIMIT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found | {"version": next(iter(found["versions"].values()), "")}
    except (OSError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired):
        raise InputError(f"{python} doesn't answer as a Python interpreter") from None


def _require_names(specs: object) -> None:
    if isinstance(specs, str):
        raise InputError(f"backends is {specs!r}, expected a list of names: [{specs!r}]")
    for spec in specs if isinstance(specs, Iterable) else [specs]:
        if not isinstance(spec, str):
            kind = spec if isinstance(spec, type) else type(spec)
            what = "the class" if kind is spec else "an object of"
            raise InputError(
                f"backends holds {what} {kind.__name__}, expected a backend's name, 'numpy' or "
                "'module:Class': gateparity.check_adapter takes objects"
            )


def _parse(spec: str, installed: Mapping[str, Installed]) -> list[Backend]:
    body, at, where = spec.partition("@")
    name, colon, variant = body.partition(":")
    if body in installed:
        return [_parse_installed(spec, installed[body], at, where)]
    if name not in FRAMEWORKS:
        return [_parse_class(spec, name, variant, at, where, known=(*FRAMEWORKS, *installed))]
    framework = FRAMEWORKS[name]
    if colon and variant not in framework.targets:
        known = _known(framework.targets)
        raise InputError(f"{spec}: unknown variant {variant!r} of {name}: {known}")
    python, missing = _find_place(spec, framework, where) if at else _find_python(framework)
    return [
        Backend(
            name + at + where,
            v,
            f"gateparity.backends.{framework.targets[v]}",
            python,
            missing=missing,
        )
        for v in ([variant] if variant else dict(framework.variants))
    ]


def _parse_installed(spec: str, adapter: Installed, at: str, where: str) -> Backend:
    python = _given_python(spec, where) if at else Path(sys.executable)
    return Backend(
        adapter.name + at + where, "", adapter.target, python, shipped=False, installed=True
    )


def _parse_class(
    spec: str, module: str, name: str, at: str, where: str, *, known: Iterable[str]
) -> Backend:
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        hint = suggest(module, known)
        raise InputError(
            f"unknown backend {spec!r}{hint}: expected one of {', '.join(known)}, "
            "with :VARIANT or @WHERE if need be, or module:Class"
        )
    python = _given_python(spec, where) if at else Path(sys.executable)
    return Backend(module + at + where, name, f"{module}:{name}", python, shipped=False)


def _given_python(spec: str, where: str) -> Place:
    if where.startswith("ssh="):
        return parse_host(spec, where)
    python = Path(where).expanduser().absolute()
    if python.is_dir():
        python = interpreter(python)
    if not where or not python.is_file() or not os.access(python, os.X_OK):
        raise InputError(f"{spec}: no Python interpreter at {where or 'an empty path'}")
    return python


def _find_place(spec: str, framework: Framework, where: str) -> tuple[Place | None, str]:
    """Resolve the `@` part: an environment's name first, then a path, then a version to install."""
    if not NAME.fullmatch(where) or (Path(where).exists() and not is_version(where)):
        return _given_python(spec, where), ""
    name = f"{framework.name}@{where}"
    if (environments_folder() / name).is_dir() or is_version(where):
        return _find_named(recall_request(name))
    if Path(where).exists():
        return _given_python(spec, where), ""
    raise InputError(f"{spec}: no environment {name}, and no Python interpreter at {where}")


@functools.cache
def _find_python(framework: Framework) -> tuple[Path | None, str]:
    specs = [importlib.util.find_spec(module) for module in framework.modules]
    if all(spec and spec.origin for spec in specs):  # a mere folder of that name has no origin
        return Path(sys.executable), ""
    return _find_named(recall_request(framework.name))


def _find_named(request: Request) -> tuple[Path | None, str]:
    found = environment(request)
    if found.state == "ready":
        return interpreter(found.folder), ""
    if found.state != "absent":
        return None, f"{request.framework.title}'s environment isn't ready: {found.reason}"
    if request.requirements:
        return None, f"{' '.join(request.requirements)} is in no environment: {request.command}"
    return (
        None,
        f"{request.framework.title} is neither here nor in an environment: {request.command}",
    )


def _known(names: Any) -> str:
    return f"expected one of {', '.join(names)}"
