"""Repeated calls: equal arguments give equal bits, however late the call, and from two threads.

A cache with too small a key, numbers that froze at the first call, a mistake that begins late and
memory that two threads share show in no single call. Like the guard, this runs in the worker: one
message asks for all calls of a method.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateparity.errors import Impure, Unsupported
from gateparity.protocol.adapter import declares_false, describe_missing
from gateparity.protocol.bits import copy_arrays, find_difference, pick_farthest, read_bits
from gateparity.protocol.guard import require_determinism

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateparity.network.config import Config

    Questions = Mapping[
        str, tuple[Any, ...]
    ]  # arguments, by what is other in them than in the first

CALLS: Final = 64
CALLS_AT_ONCE: Final = (8, 64)  # of each of two threads: at least, and at most in `_AT_ONCE_S`
_AT_ONCE_S: Final = 0.1
_MEETING_S: Final = 1.0  # at most, for the other thread to begin
_SWITCH: Final = 1e-6  # seconds after which Python may go on with the other thread


class _AskedWhenRead(Mapping[str, Any]):
    """Answers, each from a call that is made when the answer is read."""

    def __init__(self, call: Callable[..., Any], questions: Questions) -> None:
        self._call, self._questions = call, questions

    def __getitem__(self, name: str) -> Any:
        return self._call(*self._questions[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._questions)

    def __len__(self) -> int:
        return len(self._questions)


def ask_once(lstm: Any, method: str, config: Config, questions: Questions) -> Mapping[str, Any]:
    """Answer each question with a single call: for an LSTM that keeps nothing between calls.

    What nobody reads, such as gates whose bits alone a check compares, is not computed.
    """
    return _AskedWhenRead(partial(getattr(lstm, method), config), questions)


def repeat(lstm: Any, method: str, config: Config, questions: Questions) -> dict[str, Any]:
    """Ask every question in turn, 64 calls in all, then two of them at once; return first answers.

    The first question is asked in every second call. Raise `Impure` if an answer has other bits
    than the first one to the same question. An adapter that declares that it isn't deterministic
    may have others: of each number the one that is farthest from the first is returned.
    """
    call = getattr(lstm, method, None)
    if call is None:
        raise Unsupported(describe_missing(lstm, method))

    def ask(name: str) -> Any:
        return copy_arrays(call(config, *copy_arrays(questions[name])))

    if declares_false(lstm, "deterministic"):
        return _ask_unsteady(ask, lstm, method, questions)
    answers: dict[str, Any] = {}
    for k, name in enumerate(_order(list(questions))):
        answer = ask(name)
        array = find_difference(read_bits(answers.setdefault(name, answer)), read_bits(answer))
        if array:
            require_determinism(partial(_ask_last_of, ask, [*questions][-1], name), method)
            raise Impure(
                f"call {k + 1} of {method}{_with(name)}: {array} differs from the first such call"
            )
    for name, answer in _ask_from_two_threads(ask, lstm, method, list(questions)):
        if array := find_difference(read_bits(answers[name]), read_bits(answer)):
            raise Impure(_unsafe(method, f"{array} differs from that of a call alone"))
    return answers


def _ask_last_of(ask: Callable[[str], Any], *names: str) -> Any:
    """Ask questions in turn, and return the last answer: it may depend on the call before."""
    return [ask(name) for name in names][-1]


def _order(names: Sequence[str]) -> Iterator[str]:
    """Yield each question once, then the first one in every second call and the others in turn."""
    yield from names
    first, *others = names
    for k in range(max(CALLS, 2 * len(names)) - len(names)):
        yield others[k // 2 % len(others)] if others and k % 2 else first


def _ask_from_two_threads(
    ask: Callable[[str], Any], lstm: Any, method: str, names: Sequence[str]
) -> list[tuple[str, Any]]:
    """Return the answers that two threads get at once, to the first and to the last two questions.

    The last one has the first one's shape, since memory may be kept for a shape, and the one before
    it has another. There are none for an adapter that takes one call at a time.
    """
    if declares_false(lstm, "threads"):
        return []
    found: list[tuple[str, Any]] = []
    errors: list[Exception] = []
    meeting = threading.Barrier(2, timeout=_MEETING_S)
    least, most = CALLS_AT_ONCE

    def work(names: Sequence[str]) -> None:
        # On a busy machine, one thread would be done before the other begins.
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait()
        end = time.perf_counter() + _AT_ONCE_S
        try:
            for k in range(most):
                if errors or (k >= least and time.perf_counter() > end):
                    break
                name = names[k % len(names)]
                found.append((name, ask(name)))
        except Exception as error:  # noqa: BLE001  a framework may raise anything
            errors.append(error)

    threads = [threading.Thread(target=work, args=(some,)) for some in (names[:1], names[:-3:-1])]
    with _switching_often():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        words = " ".join(str(errors[0]).split())[:200]
        raise Impure(_unsafe(method, f"{type(errors[0]).__name__}: {words}")) from errors[0]
    return found


@contextlib.contextmanager
def _switching_often() -> Iterator[None]:
    """Let Python change threads within a call, which by default takes longer than a short call."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def _ask_unsteady(
    ask: Callable[[str], Any], lstm: Any, method: str, questions: Questions
) -> dict[str, Any]:
    names = list(questions)
    found = [(name, ask(name)) for name in _order(names)]
    found += _ask_from_two_threads(ask, lstm, method, names)
    return {name: pick_farthest([a for asked, a in found if asked == name]) for name in names}


def _with(name: str) -> str:
    return f" with {name}" if name else ""


def _unsafe(method: str, words: str) -> str:
    return f"{method} from two threads at once, without threads = False declared: {words}"
