"""How long a comparison of two live layers takes: `python -m tests.live.speed torch`, or `keras`.

Both sides have two layers of 64 units in both directions, and run eagerly. It is the first
comparison of a process, after the imports, as in a notebook.
"""

import sys
import time

import gateparity
from tests.live.ports import keras_lstm, torch_lstm

SIZE = 64  # of inputs and hidden states


def make_torch():
    a, b = (torch_lstm(2, SIZE, SIZE, 2) for _ in range(2))
    b.load_state_dict(a.state_dict())
    return a, b


def make_keras():
    a = torch_lstm(2, SIZE, SIZE, 2)
    stack = tuple(keras_lstm(2, inputs=inputs, hidden=SIZE) for inputs in (SIZE, 2 * SIZE))
    return a, gateparity.load(gateparity.read(a), into=stack)


def measure(make):
    """Return seconds of processor time, and of the clock."""
    pair = make()
    gateparity.assert_parity  # noqa: B018  its import
    start, clock = time.process_time(), time.perf_counter()
    gateparity.assert_parity(*pair)
    return time.process_time() - start, time.perf_counter() - clock


if __name__ == "__main__":
    used, passed = measure({"torch": make_torch, "keras": make_keras}[sys.argv[1]])
    sys.stdout.write(f"PyTorch and {sys.argv[1]}: {used:.2f} s of processor time, {passed:.2f} s\n")
