"""One framework in one worker: its variants, each beside the framework's own layer.

All calls of a framework take turns in one process, so that the compared calls share the machine,
the moment and the memory. Frameworks run one after another, never at once.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import BackendError, Worker, open_worker
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.bench.sizes import growing_sizes
from gateparity.conformance.bench.statistics import Spread, exponent, ratio, spread
from gateparity.conformance.bench.targets import TRAIN
from gateparity.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.bench.sizes import Size
    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array

    Progress = Callable[[str], None]

_LAYER: Final = ("", "layer")  # the key of the framework's own layer, on its own arrays


@dataclasses.dataclass(frozen=True)
class Timing:
    """The time of one backend at one size, and its ratios where there is a baseline.

    `framework` is to the framework's own layer, `own` to the same function on the framework's own
    arrays. NumPy has no layer, and its arrays are its own: it has neither. Times are in seconds;
    `warm_up` is that of the first call, `direct` that of the layer on the framework's own arrays.
    """

    label: str
    size: str
    operation: str
    rounds: int
    seconds: Spread
    warm_up: float
    direct: Spread | None = None
    framework: Spread | None = None
    own: Spread | None = None


@dataclasses.dataclass(frozen=True)
class Growth:
    """The exponents of time with gradients, in T, B and H."""

    label: str
    exponents: Mapping[str, float]


@dataclasses.dataclass
class Bench:
    """All measurements, and for each backend without one the reason."""

    seed: int
    seconds: float
    clock: str
    timings: list[Timing] = dataclasses.field(default_factory=list)
    growths: list[Growth] = dataclasses.field(default_factory=list)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    machines: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class BenchPlan:
    """The sizes to time, for how many seconds each, and how long a call may take."""

    sizes: Sequence[Size]
    seconds: float
    time_limit: float
    seed: int = 0
    growth: bool = True
    clock: str = "wall"

    @property
    def pieces(self) -> int:
        """Return how many worker calls one framework takes, for the progress bar."""
        return sum(len(size.operations) for size in self.sizes) + self.growth


def run_bench(
    backends: Sequence[Backend], plan: BenchPlan, progress: Progress = lambda _: None
) -> Bench:
    """Time all backends. If one can't go on, only its own measurements are missing."""
    bench = Bench(plan.seed, plan.seconds, plan.clock)
    for group in group_backends(backends):
        done = 0

        def step(words: str) -> None:
            nonlocal done
            done += 1
            progress(words)

        try:
            _run_group(group, plan, bench, step)
        except (BackendError, Unsupported) as error:
            bench.errors |= {backend.label: str(error) for backend in group}
        for _ in range(plan.pieces - done):
            progress(group[0].label)
    return bench


def group_backends(backends: Sequence[Backend]) -> list[list[Backend]]:
    """Group the backends that share a worker: the variants of one framework in one interpreter."""
    groups: dict[Any, list[Backend]] = {}
    for backend in backends:
        groups.setdefault(backend.name if backend.shipped else backend.label, []).append(backend)
    return list(groups.values())


def _run_group(group: list[Backend], plan: BenchPlan, bench: Bench, progress: Progress) -> None:
    with open_worker(group[0], plan.time_limit) as worker:
        target = _layer_target(group[0])
        adapters = {backend.label: RemoteAdapter(worker, backend.target) for backend in group}
        layer = RemoteAdapter(worker, target) if target else None
        describe = "gateparity.backends.workers.timing:describe_machine"
        machine = worker.call("apply", describe, group[0].target)
        for label, adapter in adapters.items():
            bench.versions[label] = adapter.version
            bench.machines[label] = machine | {"manifest": adapter.manifest}
        for size in plan.sizes:
            for operation in size.operations:
                progress(f"{group[0].name} {size.name} {operation}")
                calls = _calls(group, adapters, layer, size.build(plan.seed))
                if operation == TRAIN:  # by what an adapter does, the layer as well
                    calls = {key: call for key, call in calls.items() if key[1] != "bare"}
                try:
                    found = _time(worker, list(calls.values()), operation, plan)
                except Unsupported:
                    continue  # all but forward is optional
                bench.timings += _timings(group, calls, found, size.name, operation)
        if plan.growth:
            progress(f"{group[0].name} growth")
            bench.growths += _grow(worker, group, adapters, plan)


def _calls(
    group: list[Backend],
    adapters: Mapping[str, RemoteAdapter],
    layer: RemoteAdapter | None,
    case: Case,
) -> dict[tuple[str, str], dict[str, Any]]:
    """By label and kind: every row's adapter, what it runs bare, and the framework's own layer."""
    calls = {}
    for backend in group:
        adapter = adapters[backend.label]
        calls[backend.label, "adapter"] = _call(backend.target, "adapter", adapter, case)
        if layer and backend.variant != "layer":
            calls[backend.label, "bare"] = _call(backend.target, "bare", adapter, case)
    if layer:
        calls[_LAYER] = _call(_layer_target(group[0]), "bare", layer, case)
    return calls


def _call(target: str, kind: str, adapter: RemoteAdapter, case: Case) -> dict[str, Any]:
    return {
        "target": target,
        "kind": kind,
        "config": case.config,
        "params": adapter.layout.pack(case.params, case.config),
        "batch": case.batch,
        "cotangent": case.cotangent,
    }


def _time(
    worker: Worker, calls: list[dict[str, Any]], operation: str, plan: BenchPlan
) -> dict[str, Array]:
    target = "gateparity.backends.workers.timing:time_calls"
    found: dict[str, Array] = worker.call(
        "apply", target, calls, operation, plan.seconds, plan.clock
    )
    return found


def _timings(
    group: list[Backend],
    keys: Iterable[tuple[str, str]],
    found: Mapping[str, Array],
    size: str,
    operation: str,
) -> Iterator[Timing]:
    times = dict(zip(keys, found["times"].T, strict=True))
    warm_up = dict(zip(times, found["warm_up"].tolist(), strict=True))
    layer = times.get(_LAYER)
    for backend in group:
        own = times[backend.label, "adapter"]
        bare = times.get((backend.label, "bare"), layer)  # the layer's own is timed once, for all
        yield Timing(
            backend.label,
            size,
            operation,
            len(own),
            spread(own),
            warm_up[backend.label, "adapter"],
            direct=None if layer is None else spread(layer),
            framework=_ratio(own, layer) if backend.variant == "scratch" else None,
            own=None if operation == TRAIN else _ratio(own, bare),
        )


def _ratio(times: Array, baseline: Array | None) -> Spread | None:
    return None if baseline is None else ratio(times, baseline)


def _grow(
    worker: Worker, group: list[Backend], adapters: Mapping[str, RemoteAdapter], plan: BenchPlan
) -> Iterator[Growth]:
    """Time each backend at all sizes in turns, and yield the exponents of growth."""
    sizes = growing_sizes()
    cases = [size.build(plan.seed) for size in sizes.values()]
    for backend in group:
        calls = [_call(backend.target, "adapter", adapters[backend.label], case) for case in cases]
        found = _time(worker, calls, "gradients", plan)
        medians = [spread(column).median for column in found["times"].T]
        yield Growth(backend.label, _exponents(dict(zip(sizes, medians, strict=True))))


def _exponents(medians: Mapping[tuple[str, int], float]) -> dict[str, float]:
    base = medians["T", 1]
    found: dict[str, dict[int, float]] = {}
    for (letter, factor), seconds in medians.items():
        found.setdefault(letter, {1: base})[factor] = seconds
    return {letter: exponent(list(of), list(of.values())) for letter, of in found.items()}


def _layer_target(backend: Backend) -> str:
    """Return the adapter of the framework's own layer, or "" where there is none."""
    target = FRAMEWORKS[backend.framework].targets.get("layer") if backend.shipped else None
    return f"gateparity.backends.{target}" if target else ""
