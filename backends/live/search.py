"""The recurrent layers of a whole model, by the path of attributes that leads to each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.live.kinds import is_recurrent
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST: Final = 32  # attributes


def find_layers(model: Any) -> dict[str, Any]:
    """Return the recurrent layers of a model by path: `encoder.lstm`, `layers.0`.

    A path has attributes, keys of dictionaries, positions in lists, and the names of Keras's
    layers. GRU and other recurrent layers are listed too, though they can't be compared yet. A
    layer that two paths lead to has the first of them.
    """
    found: dict[str, Any] = {}
    _search(model, "", {}, found)
    return found


def follow_path(model: Any, path: str) -> Any:
    """Return what lies at a path of attributes. Raise `InputError` if nothing does."""
    target = model
    for name in path.split(".") if path else ():  # a layer's own path is empty
        parts = dict(_parts(target))
        if name not in parts and not hasattr(target, name):
            known = find_layers(model)
            raise InputError(
                f"{type(model).__name__} has nothing at {path!r}{suggest(path, known)}: "
                f"its recurrent layers are at {', '.join(known) or 'no path'}"
            )
        target = parts[name] if name in parts else getattr(target, name)
    return target


def _search(model: Any, path: str, seen: dict[int, Any], found: dict[str, Any]) -> None:
    if id(model) in seen or path.count(".") >= _DEEPEST:
        return
    seen[id(model)] = model
    if is_recurrent(model):
        found[path] = model
        return
    for name, part in _parts(model):
        _search(part, f"{path}.{name}" if path else name, seen, found)


def _parts(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield the named parts of a model: those that may hold layers."""
    if isinstance(model, (list, tuple)):
        yield from ((str(k), part) for k, part in enumerate(model))
    elif isinstance(model, Mapping):
        yield from ((str(key), part) for key, part in model.items())
    elif callable(children := _find(model, "named_children")):  # PyTorch
        yield from children()
    elif _may_hold(model):
        own = {n: v for n, v in _attributes(model) if not n.startswith("_")}
        yield from ((name, part) for name, part in own.items() if _may_hold(part))
        if isinstance(layers := _find(model, "layers"), list):  # Keras
            yield from ((part.name, part) for part in layers if hasattr(part, "name"))
        if isinstance(children := _find(model, "_children"), Mapping):  # gluon
            yield from children.items()


def _find(model: Any, name: str) -> Any:
    """Return a property of a class, or an attribute; None where reading it fails."""
    try:
        return getattr(model, name, None)
    except Exception:  # noqa: BLE001  a property may raise anything
        return None


def _attributes(model: Any) -> Iterator[tuple[str, Any]]:
    names = getattr(model, "__dict__", {})
    yield from ((name, names[name]) for name in [*names])


def _may_hold(part: Any) -> bool:
    """Return whether an object may have layers in it: no array, text, number, class or function."""
    if isinstance(part, (list, tuple, Mapping)):
        return True
    module = type(part).__module__
    plain = module.startswith(("builtins", "numpy", "jaxlib", "types", "functools"))
    return hasattr(part, "__dict__") and not plain and not isinstance(part, type)
