"""The frameworks that gateparity ships an adapter for, and what else it makes environments of."""

from __future__ import annotations

import dataclasses
import importlib.resources
from typing import TYPE_CHECKING, Final

from gateparity.errors import suggest

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@dataclasses.dataclass(frozen=True)
class Framework:
    """Facts about a framework that are needed before it is imported.

    `modules` are the modules that its adapter imports, and `distributions` the names that the
    framework is installed under. `pythons` are the lowest and the highest Python that the pinned
    version has wheels for. `variants` maps a variant to its class in `gateparity.backends.<name>`.
    `opt_in` maps the variants that run only on request to `module:Class` there. `rounding_model` is
    how its arithmetic rounds (docs/rounding.md), for its own adapters and for any adapter that
    names it as its engine. A run starts the frameworks with the highest `cost` (import and
    compilation) first. A `slow` one takes long for many small problems.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    distributions: tuple[str, ...]
    variants: tuple[tuple[str, str], ...] = (("scratch", "Scratch"), ("layer", "Layer"))
    opt_in: tuple[tuple[str, str], ...] = ()
    pythons: tuple[tuple[int, int], tuple[int, int]] = ((3, 11), (3, 13))
    rounding_model: tuple[tuple[str, float], ...] = ()
    cost: int = 0
    slow: bool = False

    @property
    def targets(self) -> dict[str, str]:
        """Return a mapping from every variant, opt-in ones included, to its `module:Class`."""
        return {v: f"{self.name}.{v}:{kind}" for v, kind in self.variants} | dict(self.opt_in)

    @property
    def requirements(self) -> Traversable:
        """Return the file of pinned requirements that ships with the package, in pip's format."""
        return importlib.resources.files("gateparity.backends") / self.name / "requirements.txt"

    def complete_requirements(self, python: str) -> Traversable | None:
        """Return the requirements file for one Python, such as `3.13`, or None if there is none.

        Such a file names every package, for pip's `--no-deps`. It exists where a framework's own
        dependencies can't be installed on that Python.
        """
        file = importlib.resources.files("gateparity.backends") / (
            f"{self.name}/requirements-{python}.txt"
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
            rounding_model=(("bias", 4.0),),
            cost=4,
            slow=True,
        ),
        Framework(
            "jax",
            "JAX",
            ("jax", "flax"),
            ("jax",),
            opt_in=(("nnx", "jax.nnx:Layer"),),
            rounding_model=(("bias", 2.0),),
            cost=3,
            slow=True,
        ),
        Framework("mxnet", "MXNet", ("mxnet",), ("mxnet",), cost=1, slow=True),
    )
}

# What runs models of files, and has no adapter.
RUNTIMES: Final = {
    "onnx": Framework(
        "onnx",
        "ONNX Runtime",
        ("onnxruntime",),
        ("onnxruntime",),
        variants=(),
        rounding_model=(("sigmoid_floor", 4.0),),
    ),
}
ENVIRONMENTS: Final = FRAMEWORKS | RUNTIMES  # that `gateparity env create` makes


def is_shipped(label: str) -> bool:
    """Return whether a label names an adapter that ships with gateparity, without an `@` part."""
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


OLDEST: Final = (3, 9)  # that a worker's sources run on
