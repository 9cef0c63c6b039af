"""One framework in one worker: its variants, each timed beside the framework called directly.

All calls of a framework take turns in one process, so that the compared calls share the machine,
the moment and the memory. Frameworks run one after another, never at once.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.adapter import Unsupported
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.remote import BackendError, RemoteAdapter, Worker, WorkerLost
from gateparity.conformance.bench.sizes import growing_sizes
from gateparity.conformance.bench.statistics import Spread, exponent, ratio, spread
from gateparity.conformance.bench.targets import TRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gateparity.backends.spec import Backend
    from gateparity.conformance.bench.sizes import Size
    from gateparity.conformance.cases import Case
    from gateparity.parameters import Array

    Progress = Callable[[str], None]

_DIRECT: Final = ("", "direct")


@dataclasses.dataclass(frozen=True)
class Timing:
    """The time of one backend at one size, and its ratios where there is a baseline.

    `framework` is the ratio to the framework's own layer (NumPy: to the plain loop). `own` is the
    ratio to the same function on the framework's own arrays. Times are in seconds; `warm_up` is the
    time of the first call.
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
class Plan:
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


def run_bench(rows: Sequence[Backend], plan: Plan, progress: Progress = lambda _: None) -> Bench:
    """Time all backends. If one can't go on, only its own measurements are missing."""
    bench = Bench(plan.seed, plan.seconds, plan.clock)
    for group in group_rows(rows):
        done = 0

        def step(words: str) -> None:
            nonlocal done
            done += 1
            progress(words)

        try:
            _run_group(group, plan, bench, step)
        except (BackendError, Unsupported) as error:
            bench.errors |= {row.label: str(error) for row in group}
        for _ in range(plan.pieces - done):
            progress(group[0].label)
    return bench


def group_rows(rows: Sequence[Backend]) -> list[list[Backend]]:
    """Group the backends that share a worker: the variants of one framework in one interpreter."""
    groups: dict[Any, list[Backend]] = {}
    for row in rows:
        groups.setdefault(row.name if row.shipped else row.label, []).append(row)
    return list(groups.values())


def _run_group(group: list[Backend], plan: Plan, bench: Bench, progress: Progress) -> None:
    if group[0].python is None:
        raise WorkerLost(group[0].missing)
    with Worker(group[0].python, plan.time_limit, group[0].path) as worker:
        framework = _framework(group[0])
        adapters = {row.label: RemoteAdapter(worker, row.target) for row in group}
        baseline = RemoteAdapter(worker, _baseline(framework)) if framework else None
        machine = worker.call("apply", "gateparity.backends.timing:describe_machine", framework)
        for label, adapter in adapters.items():
            bench.versions[label] = adapter.version
            bench.machines[label] = machine | {"manifest": adapter.manifest}
        for size in plan.sizes:
            for operation in size.operations:
                progress(f"{group[0].name} {size.name} {operation}")
                calls = _calls(group, adapters, baseline, framework, size.build(plan.seed))
                if operation == TRAIN:
                    calls = _trained(calls, framework)
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
    baseline: RemoteAdapter | None,
    framework: str,
    case: Case,
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the calls by (label, kind): each adapter, its bare function, and the baseline."""
    calls = {}
    for row in group:
        call = _call(row.target, framework, adapters[row.label], case)
        calls[row.label, "adapter"] = call | {"kind": "adapter"}
        if row.variant == "scratch" and framework != "numpy":  # whose own arrays are NumPy's
            calls[row.label, "bare"] = call | {"kind": "bare"}
    if baseline is not None:
        layer = _call(_baseline(framework), framework, baseline, case)
        calls[_DIRECT] = layer | {"kind": "direct"}
    return calls


def _trained(
    calls: Mapping[tuple[str, str], dict[str, Any]], framework: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the calls that can train: adapters and the framework's layer, no bare functions."""
    return {
        key: call
        for key, call in calls.items()
        if key[1] != "bare" and not (key == _DIRECT and framework == "numpy")
    }


def _call(target: str, framework: str, adapter: RemoteAdapter, case: Case) -> dict[str, Any]:
    return {
        "target": target,
        "framework": framework,
        "config": case.config,
        "params": adapter.layout.pack(case.params, case.config),
        "batch": case.batch,
        "cotangent": case.cotangent,
    }


def _time(
    worker: Worker, calls: list[dict[str, Any]], operation: str, plan: Plan
) -> dict[str, Array]:
    target = "gateparity.backends.timing:time_calls"
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
    direct = times.get(_DIRECT)
    for row in group:
        own = times[row.label, "adapter"]
        bare = times.get((row.label, "bare")) if row.variant == "scratch" else direct
        yield Timing(
            row.label,
            size,
            operation,
            len(own),
            spread(own),
            warm_up[row.label, "adapter"],
            direct=None if direct is None else spread(direct),
            framework=_ratio(own, direct) if row.variant == "scratch" else None,
            own=None if operation == TRAIN else _ratio(own, bare),
        )


def _ratio(times: Array, baseline: Array | None) -> Spread | None:
    return None if baseline is None else ratio(times, baseline)


def _grow(
    worker: Worker, group: list[Backend], adapters: Mapping[str, RemoteAdapter], plan: Plan
) -> Iterator[Growth]:
    """Time each backend at all sizes in turns, and yield the exponents of growth."""
    sizes = growing_sizes()
    cases = [size.build(plan.seed) for size in sizes.values()]
    for row in group:
        calls = [
            _call(row.target, _framework(row), adapters[row.label], case) | {"kind": "adapter"}
            for case in cases
        ]
        found = _time(worker, calls, "gradients", plan)
        medians = [spread(column).median for column in found["times"].T]
        yield Growth(row.label, _exponents(dict(zip(sizes, medians, strict=True))))


def _exponents(medians: Mapping[tuple[str, int], float]) -> dict[str, float]:
    base = medians["T", 1]
    found: dict[str, dict[int, float]] = {}
    for (letter, factor), seconds in medians.items():
        found.setdefault(letter, {1: base})[factor] = seconds
    return {letter: exponent(list(of), list(of.values())) for letter, of in found.items()}


def _framework(row: Backend) -> str:
    return row.framework if row.shipped else ""


def _baseline(framework: str) -> str:
    """Return the adapter with the layout of the framework's layer: the layer variant, if any."""
    variants = dict(FRAMEWORKS[framework].variants)
    return f"gateparity.backends.{framework}:{variants.get('layer', variants['scratch'])}"
