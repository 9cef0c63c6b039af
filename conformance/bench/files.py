"""How long `gateparity inspect` takes on a file of 1 GiB that holds an LSTM of 200 MiB, and `diff`
on two of 100 MiB.

The files are written here, in each format that this process reads without a framework. The rest of
a file is one array of zeros, which `inspect` has no reason to read.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.errors import InputError
from gateparity.layouts.exchange import ONNX
from gateparity.layouts.keras import KERAS
from gateparity.layouts.torch import TORCH
from gateparity.network.config import Config
from gateparity.packing.infer import infer_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout

    Write = Callable[[Path, Mapping[str, Array]], None]

ALLOWED: Final = {"inspect": 2.0, "diff": 3.0}  # seconds, the start of the command included
ROUNDS: Final = 3
SIZE: Final = 1 << 30  # bytes
_FOUND: Final = {"inspect": "LSTM", "diff": "in the order i, f, o, g"}  # in what is printed
PREFIX: Final = "lstm."
REST: Final = "embedding.weight"
RAW_DATA, INITIALIZER, GRAPH = 9, 5, 7  # fields of ONNX's TensorProto, GraphProto, ModelProto
CONFIG: Final = Config(2560, 2560)  # 200 MiB
HALF: Final = Config(1810, 1810)  # 100 MiB


@dataclasses.dataclass(frozen=True)
class FileTiming:
    """The median time of a verb of `ALLOWED` on a file of so many bytes, or on two."""

    format: str
    bytes: int
    seconds: float
    verb: str = "inspect"

    @property
    def is_slow(self) -> bool:
        """Return whether it took longer than is allowed."""
        return self.seconds > ALLOWED[self.verb]


def time_files(
    progress: Callable[[str], None] = lambda _: None,
    size: int = SIZE,
    config: Config = CONFIG,
    half: Config = HALF,
) -> list[FileTiming]:
    """Write a file of each format into a temporary folder, and time `inspect`; then `diff`."""
    draw = np.random.default_rng(0).standard_normal
    arrays = {
        PREFIX + name: draw(shape, np.float32) for name, shape in TORCH.shapes(config).items()
    }
    rest = (size - sum(array.nbytes for array in arrays.values())) // 4
    arrays[REST] = np.zeros((rest,), np.float32)
    with tempfile.TemporaryDirectory(prefix="gateparity-") as folder:
        timings = [
            _time(name, write, Path(folder) / "file", arrays, progress)
            for name, write in WRITERS.items()
        ]
        return [*timings, _time_diff(Path(folder), half, progress)]


def _time(
    name: str,
    write: Write,
    path: Path,
    arrays: Mapping[str, Array],
    progress: Callable[[str], None],
) -> FileTiming:
    progress(name)
    write(path, arrays)
    rounds = [_run("inspect", path) for _ in range(ROUNDS)]
    size = path.stat().st_size
    path.unlink()
    return FileTiming(name, size, statistics.median(rounds))


def _time_diff(folder: Path, config: Config, progress: Callable[[str], None]) -> FileTiming:
    """Time `diff` of an LSTM and the same with its gates in another order, which it has to name."""
    progress("diff")
    draw = np.random.default_rng(0).standard_normal
    arrays = {PREFIX + n: draw(shape, np.float32) for n, shape in TORCH.shapes(config).items()}
    paths = folder / "a", folder / "b"
    write_safetensors(paths[0], arrays)
    for name, array in arrays.items():
        gates = np.split(array, 4)
        arrays[name] = np.concatenate([*gates[:2], *gates[:1:-1]])
    write_safetensors(paths[1], arrays)
    rounds = [_run("diff", *paths) for _ in range(ROUNDS)]
    size = paths[0].stat().st_size
    return FileTiming(".safetensors", size, statistics.median(rounds), "diff")


def _run(verb: str, *paths: Path) -> float:
    """Run a verb on files, and return the seconds that it took."""
    program = [sys.executable, "-m", "gateparity.conformance.commands.cli", verb]
    started = time.perf_counter()
    done = subprocess.run([*program, *map(str, paths)], capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    if _FOUND[verb] not in done.stdout:
        raise InputError(f"{verb} finds no LSTM in a file that bench wrote: {done.stderr}")
    return took


# Each format, written array by array.


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a NumPy archive of all arrays."""
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def write_safetensors(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a header, and the arrays in its order."""
    header, end = {}, 0
    for name, array in arrays.items():
        places = [end, end + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": places}
        end = places[1]
    words = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(words)) + words)
        for array in arrays.values():
            array.tofile(file)


def write_torch(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write what torch.save writes of a state_dict, without PyTorch."""
    with zipfile.ZipFile(path, "w") as archive:
        pickle = b"".join(_pickled(str(k), n, a) for k, (n, a) in enumerate(arrays.items()))
        archive.writestr("model/data.pkl", b"\x80\x02}(" + pickle + b"u.")
        for key, array in enumerate(arrays.values()):
            with archive.open(f"model/data/{key}", "w", force_zip64=True) as file:
                file.write(array.data.cast("B"))
        archive.writestr("model/version", b"3\n")


def _pickled(key: str, name: str, array: Array) -> bytes:
    """Return the opcodes of a name and a tensor of float32 whose numbers lie under a key."""
    strides = [stride // array.itemsize for stride in array.strides]
    storage = (
        b"("
        + _opcodes("storage")
        + b"ctorch\nFloatStorage\n"
        + b"".join(map(_opcodes, (key, "cpu", array.size)))
        + b"tQ"
    )
    sizes = b"".join(b"(" + b"".join(map(_opcodes, axes)) + b"t" for axes in (array.shape, strides))
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + _opcodes(0) + sizes
    return _opcodes(name) + call + b"\x89ccollections\nOrderedDict\n)RtR"


def _opcodes(value: Any) -> bytes:
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value)) + value.encode("ascii")
    return b"J" + struct.pack("<i", value)


def write_hdf5(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write the weights of a Keras model, whose biases are summed."""
    import h5py

    with h5py.File(path, "w") as file:
        for number, array in enumerate(_packed(KERAS, arrays).values()):
            file[f"layers/lstm/cell/vars/{number}"] = array
        file["layers/embedding/vars/0"] = arrays[REST]


def write_onnx(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a graph of one LSTM. What isn't of the LSTM is streamed, and not built in memory."""
    from onnx import ModelProto, TensorProto, helper, numpy_helper

    tensors = [numpy_helper.from_array(a, name) for name, a in _packed(ONNX, arrays).items()]
    names, hidden = [tensor.name for tensor in tensors], tensors[1].dims[-1]
    node = helper.make_node("LSTM", ["x", *names], ["y"], name="lstm", hidden_size=hidden)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    graph = helper.make_graph([node], "graph", [x], [y], tensors).SerializeToString()
    rest = TensorProto(name=REST, data_type=TensorProto.FLOAT, dims=arrays[REST].shape)
    raw = arrays[REST].data.cast("B")
    head = rest.SerializeToString() + _field(RAW_DATA, len(raw))
    graph += _field(INITIALIZER, len(head) + len(raw)) + head
    model = ModelProto(ir_version=10, opset_import=[helper.make_opsetid("", 17)])
    with path.open("wb") as file:
        file.write(model.SerializeToString() + _field(GRAPH, len(graph) + len(raw)) + graph)
        file.write(raw)


def _packed(layout: Layout, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of the LSTM in another layout than PyTorch's."""
    native = {n.removeprefix(PREFIX): a for n, a in arrays.items() if n.startswith(PREFIX)}
    config = infer_config(TORCH, native)
    return layout.pack(TORCH.unpack(native, config), config)


def _field(number: int, length: int) -> bytes:
    """Return the start of a protobuf field that holds so many bytes."""
    return _varint(8 * number + 2) + _varint(length)


def _varint(number: int) -> bytes:
    groups = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])


WRITERS: Final[dict[str, Write]] = {
    ".pt": write_torch,
    ".safetensors": write_safetensors,
    ".npz": write_npz,
    ".h5": write_hdf5,
    ".onnx": write_onnx,
}
