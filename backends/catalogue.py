"""The frameworks that gateparity ships an adapter for, as data."""

from __future__ import annotations

import dataclasses
import importlib.resources
from typing import TYPE_CHECKING, Final

from gateparity.errors import suggest

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@dataclasses.dataclass(frozen=True)
class Framework:
    """What has to be known of a framework before it is imported.

    `modules` are what its adapter imports, `distributions` the names that the framework is
    installed under; `pythons` the lowest and the
    highest Python that the pinned version has wheels for; `variants` maps a variant to the class
    in `gateparity.backends.<name>`, `further` those that run only where they are asked for, to
    `module:Class` there; `arithmetic` is what has to be known of its rounding
    (docs/rounding.md), by its adapters and by any adapter that names it as its engine; the dearer
    the `cost` of importing it and compiling, the earlier a run starts it.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    distributions: tuple[str, ...]
    variants: tuple[tuple[str, str], ...] = (("scratch", "Scratch"), ("layer", "Layer"))
    further: tuple[tuple[str, str], ...] = ()
    pythons: tuple[tuple[int, int], tuple[int, int]] = ((3, 11), (3, 13))
    arithmetic: tuple[tuple[str, float], ...] = ()
    cost: int = 0

    @property
    def targets(self) -> dict[str, str]:
        """Every variant, the further ones too, to its `module:Class` in `gateparity.backends`."""
        return {v: f"{self.name}:{kind}" for v, kind in self.variants} | dict(self.further)

    @property
    def requirements(self) -> Traversable:
        """The pinned requirements that ship with the package, a file for pip."""
        return importlib.resources.files("gateparity.backends") / f"requirements/{self.name}.txt"

    def complete_requirements(self, python: str) -> Traversable | None:
        """Those for one Python, `3.13` say, that name every package, for pip's `--no-deps`.

        They stand beside the others where a framework's own dependencies can't be had there.
        """
        file = importlib.resources.files("gateparity.backends") / (
            f"requirements/{self.name}-{python}.txt"
        )
        return file if file.is_file() else None


FRAMEWORKS: Final = {
    framework.name: framework
    for framework in (
        Framework("numpy", "NumPy", ("numpy",), ("numpy",), variants=(("scratch", "Scratch"),)),
        Framework("torch", "PyTorch", ("torch",), ("torch",), cost=1),
        Framework(
            "tensorflow",
            "TensorFlow",
            ("tensorflow", "keras"),
            ("tensorflow", "tensorflow-cpu"),
            arithmetic=(("bias", 4.0),),
            cost=4,
        ),
        Framework(
            "jax",
            "JAX",
            ("jax", "flax"),
            ("jax",),
            further=(("nnx", "nnx:Layer"),),
            arithmetic=(("bias", 2.0),),
            cost=3,
        ),
        Framework("mxnet", "MXNet", ("mxnet",), ("mxnet",), cost=1),
    )
}


def is_shipped(label: str) -> bool:
    """Whether a label is that of an adapter that gateparity ships, and names no place."""
    name, _, variant = label.partition(":")
    return name in FRAMEWORKS and variant in dict(FRAMEWORKS[name].variants)


def check_engine(engine: str) -> None:
    """Raise `ValueError` for an engine that isn't a framework of the catalogue; empty is none.

    A module that belongs to a framework leads to it: `flax` to `jax`.
    """
    if not engine or engine in FRAMEWORKS:
        return
    owners = {module: f.name for f in FRAMEWORKS.values() for module in f.modules}
    hint = suggest(owners.get(engine.lower(), engine), FRAMEWORKS)
    raise ValueError(f"engine is {engine!r}{hint}: expected one of {', '.join(FRAMEWORKS)}")
