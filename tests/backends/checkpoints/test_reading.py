"""Checkpoints that PyTorch itself saved come back bit for bit, and bad files in one line.

PyTorch, in an interpreter of its own, saves them; gateparity reads them without it.
"""

from __future__ import annotations

import json
import random
import re
import struct
import subprocess
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.numpy.scratch import Scratch
from gateparity.errors import InputError
from gateparity.layouts import D2L, TORCH
from gateparity.network.batch import Batch, arrays_by_name
from gateparity.network.config import Config

# What each file holds, as PyTorch says it. Sizes are small and all different.
SAVED = {
    "plain.pt": "nn.LSTM(3, 5).state_dict()",
    "deep.pt": "DEEP.state_dict()",
    "no_bias.pth": "nn.LSTM(3, 5, 2, bias=False).state_dict()",
    "float64.bin": "nn.LSTM(3, 5).double().state_dict()",
    "float16.pt": "nn.LSTM(3, 5).half().state_dict()",
    "bfloat16.pt": "nn.LSTM(3, 5).bfloat16().state_dict()",
    "inside.pt": "Model(lstm=nn.LSTM(3, 5), head=nn.Linear(5, 2)).state_dict()",
    "two.pt": "Model(encoder=nn.LSTM(3, 5), decoder=nn.LSTM(5, 4)).state_dict()",
    "lstm_and_gru.pt": "Model(gru=nn.GRU(3, 5), lstm=nn.LSTM(5, 4)).state_dict()",
    "nested.pt": "{'state_dict': Model(lstm=nn.LSTM(3, 5)).state_dict(), 'epoch': 3, "
    "'optimizer': {'state': {0: {'step': torch.tensor(7.)}}, 'param_groups': [{'lr': 4}]}}",
    "itself.pt": "ITSELF",
    "mixed.pt": "MIXED",
    "beside.pt": "{**nn.LSTM(3, 5).state_dict(), 'scale': torch.ones(3), "
    "'steps': torch.arange(3), 'sparse': torch.eye(3).to_sparse(), 'name': 'lstm'}",
    "gru.pt": "nn.GRU(3, 5).state_dict()",
    "rnn.pt": "Model(rnn=nn.RNN(3, 5)).state_dict()",
    "projected.pt": "nn.LSTM(3, 5, proj_size=2).state_dict()",
    "cell.pt": "Model(cell=nn.LSTMCell(3, 5)).state_dict()",
    "bare_cell.pt": "CELL.state_dict()",
    "no_bias_cell.pt": "nn.LSTMCell(3, 5, bias=False).state_dict()",
    "two_cells.pt": "nn.ModuleList([nn.LSTMCell(3, 5), nn.LSTMCell(5, 4)]).state_dict()",
    "cell_and_gru_cell.pt": "Model(gru=nn.GRUCell(3, 5), cell=nn.LSTMCell(5, 4)).state_dict()",
    "gru_cell.pt": "nn.GRUCell(3, 5).state_dict()",
    "half_cell.pt": "{k: v for k, v in CELL.state_dict().items() if k != 'bias_hh'}",
    "linear.pt": "nn.Sequential(*[nn.Linear(2, 2) for _ in range(6)]).state_dict()",
    "unbiased_above.pt": "{k: v for k, v in DEEP.state_dict().items() if k != 'bias_hh_l1'}",
    "partial.pt": "{k: v for k, v in nn.LSTM(3, 5).state_dict().items() if k != 'weight_hh_l0'}",
    "transposed.pt": "{k: v.T if k == 'weight_hh_l0' else v for k, v in STATE.items()}",
    "scalar.pt": "{k: v.sum() for k, v in STATE.items()}",
    "hollow.pt": "{k: v[:0] for k, v in STATE.items()}",
    "nan.pt": "{k: v / 0 if k == 'weight_hh_l0' else v for k, v in STATE.items()}",
    "whole.pt": "nn.LSTM(3, 5)",
    "evil.pt": "{'weight_ih_l0': Evil()}",
    "tensor.pt": "torch.ones(3)",
    "list.pt": "[torch.ones(3)]",
    "empty_dict.pt": "{}",
    "words.pt": "{'weight_ih_l0': 'some text', 'epoch': 3}",
    "colours.pt": "{'\\x1b[31mred\\nline': torch.zeros(1).expand(10**15)}",
    "expanded.pt": "{**STATE, 'weight_hh_l0': torch.zeros(1).expand(4 * 10**9, 10**9)}",
    "many_views.pt": "dict.fromkeys(map(str, range(500)), torch.zeros(10000))",
}
# Those that are saved in PyTorch's older format too.
LEGACY = (
    *("plain.pt", "deep.pt", "no_bias.pth", "float64.bin", "float16.pt", "bfloat16.pt"),
    *("inside.pt", "nested.pt", "beside.pt", "cell.pt", "whole.pt", "evil.pt", "expanded.pt"),
)
SAVE = """
import json, os, sys
import torch
from torch import nn

class Model(nn.ModuleDict):
    def __init__(self, **modules):
        super().__init__(modules)

class Evil:
    def __reduce__(self):
        return os.mkdir, ("MARKER",)

torch.manual_seed(0)
DEEP = nn.LSTM(3, 5, 2, bidirectional=True)
CELL = nn.LSTMCell(3, 5)
STATE = nn.LSTM(3, 5).state_dict()
MIXED = {**STATE, "bias_ih_l0": STATE["bias_ih_l0"].double()}
ITSELF = {"lstm": STATE}
ITSELF["model"] = ITSELF
os.mkdir("legacy")
os.mkdir("framed")
for name, expression in json.load(sys.stdin).items():
    value = eval(expression)
    torch.save(value, name)
    if name in LEGACY:
        torch.save(value, "legacy/" + name, _use_new_zipfile_serialization=False)
        torch.save(
            value, "framed/" + name, _use_new_zipfile_serialization=False, pickle_protocol=4
        )

import numpy as np
bits = {"float16": torch.int16, "bfloat16": torch.int16, "float32": torch.int32}
for name in ("plain.pt", "deep.pt", "float16.pt", "bfloat16.pt", "no_bias.pth", "float64.bin"):
    state = torch.load(name, weights_only=True)
    np.savez(name + ".npz", **{
        k: v.view(bits.get(str(v.dtype).split(".")[1], torch.int64)).numpy()
        for k, v in state.items()})
h, c = torch.randn(2, 2, 5)
cell_x = torch.randn(1, 2, 3)
cell_h, cell_c = CELL(cell_x[0], (h, c))
np.savez("cell.npz", x=cell_x, h_0=h[None], c_0=c[None],
         h_n=cell_h[None].detach(), c_n=cell_c[None].detach())
x = torch.randn(7, 2, 3)
y, (h_n, c_n) = DEEP(x)
np.savez("run.npz", x=x, y=y.detach(), h_n=h_n.detach(), c_n=c_n.detach())
"""


@pytest.fixture(scope="session")
def saved(torch_backend, tmp_path_factory):
    """A folder with every checkpoint of SAVED, made by PyTorch in one go."""
    folder = tmp_path_factory.mktemp("checkpoints")
    script = SAVE.replace("MARKER", str(folder / "marker")).replace("LEGACY", str(LEGACY))
    subprocess.run(
        [str(torch_backend.python), "-W", "ignore", "-c", script],
        input=json.dumps(SAVED).encode(),
        cwd=folder,
        check=True,
        timeout=300,
    )
    return folder


def unused(*_):
    pytest.fail("a framework was asked for a file that is read here")


def read(path, prefix=None):
    return read_checkpoint(path, prefix, unused)


def assert_refused(path, message, prefix=None):
    with pytest.raises(InputError, match=message) as caught:
        read_checkpoint(path, prefix, unused)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()
    assert str(path) in str(caught.value)


CONFIGS = {
    "plain.pt": Config(3, 5),
    "deep.pt": Config(3, 5, layers=2, directions=2),
    "no_bias.pth": Config(3, 5, layers=2, biases=False),
    "float64.bin": Config(3, 5, dtype="float64"),
    "float16.pt": Config(3, 5),
    "bfloat16.pt": Config(3, 5),
}


def widen(bits, name):
    """What the stored bits mean, by NumPy alone."""
    if name.startswith("bfloat16"):
        return (bits.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    stored = {2: np.float16, 4: np.float32, 8: np.float64}[bits.itemsize]
    return bits.view(stored).astype(CONFIGS[name].dtype)


@pytest.mark.parametrize("folder", [".", "legacy"])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_weights_come_back_bit_for_bit(name, folder, saved):
    config, params = read(saved / folder / name)
    assert config == CONFIGS[name]
    with np.load(saved / f"{name}.npz") as expected:
        native = TORCH.pack(params, config)
        assert set(native) == set(expected)
        for key, array in native.items():
            np.testing.assert_array_equal(array, widen(expected[key], name), strict=True)


def test_numpy_computes_what_pytorch_did_before_it_saved(saved):
    config, params = read(saved / "deep.pt")
    with np.load(saved / "run.npz") as run:
        found = Scratch().forward(config, D2L.pack(params, config), Batch(run["x"]))
        for name in ("y", "h_n", "c_n"):
            np.testing.assert_allclose(arrays_by_name(found)[name], run[name], atol=1e-6)


@pytest.mark.parametrize("folder", ["legacy", "framed"])  # of pickle protocols 2 and 4
@pytest.mark.parametrize("name", ["inside.pt", "nested.pt", "beside.pt", "cell.pt"])
def test_an_older_file_holds_what_a_zip_archive_does(name, folder, saved):
    (config, found), (_, expected) = (read(place / name) for place in (saved / folder, saved))
    for key, array in TORCH.pack(found, config).items():
        np.testing.assert_array_equal(array, TORCH.pack(expected, config)[key], strict=True)


@pytest.mark.parametrize(
    ("name", "prefix"), [("bare_cell.pt", None), ("bare_cell.pt", ""), ("cell.pt", "cell")]
)
def test_a_single_cell_is_an_lstm_of_one_layer(name, prefix, saved):
    assert read(saved / name, prefix)[0] == Config(3, 5)


def test_a_cell_without_biases_and_one_of_several_are_read(saved):
    assert read(saved / "no_bias_cell.pt")[0] == Config(3, 5, biases=False)
    assert read(saved / "two_cells.pt", "1")[0] == Config(5, 4)
    assert read(saved / "cell_and_gru_cell.pt")[0] == Config(5, 4)


def test_numpy_computes_what_a_single_cell_did_before_it_was_saved(saved):
    config, params = read(saved / "bare_cell.pt")
    with np.load(saved / "cell.npz") as run:
        batch = Batch(run["x"], {"h": run["h_0"], "c": run["c_0"]})
        found = Scratch().forward(config, D2L.pack(params, config), batch)
        for name in ("h_n", "c_n"):
            np.testing.assert_allclose(arrays_by_name(found)[name], run[name], atol=1e-6)


@pytest.mark.parametrize("prefix", [None, "lstm", "lstm."])
def test_an_lstm_inside_a_larger_model_is_found(prefix, saved):
    config, _ = read(saved / "inside.pt", prefix)
    assert config == Config(3, 5)


@pytest.mark.parametrize("prefix", [None, ""])
def test_the_top_level_is_the_empty_prefix(prefix, saved):
    config, _ = read(saved / "plain.pt", prefix)
    assert config == Config(3, 5)


def test_of_two_lstms_the_prefix_chooses(saved):
    path = saved / "two.pt"
    assert read(path, "encoder")[0] == Config(3, 5)
    assert read(path, "decoder.")[0] == Config(5, 4)
    message = r"holds 2 LSTMs, expected one: choose with --prefix, one of 'encoder', 'decoder'"
    assert_refused(path, message)
    for wrong in ("", "coder", "attention"):
        message = r"no LSTM at prefix '.*', found recurrent layers at 'encoder', 'decoder'"
        assert_refused(path, message, prefix=wrong)


def test_the_only_lstm_is_meant_where_other_kinds_stand_beside_it(saved):
    path = saved / "lstm_and_gru.pt"
    assert read(path)[0] == Config(5, 4)
    assert_refused(path, r"prefix 'gru': is of kind GRU, expected an LSTM", "gru")


def test_nested_dicts_give_dotted_names(saved):
    path = saved / "nested.pt"
    assert read(path)[0] == Config(3, 5)
    assert read(path, "state_dict.lstm")[0] == Config(3, 5)


def test_a_dict_that_holds_itself_is_read_once(saved):
    assert read(saved / "itself.pt", "lstm")[0] == Config(3, 5)


def test_other_entries_beside_the_arrays_do_no_harm(saved):
    assert read(saved / "beside.pt")[0] == Config(3, 5)


REFUSED = {
    "gru.pt": r"is of kind GRU, expected an LSTM",
    "rnn.pt": r"prefix 'rnn': is of kind RNN, expected an LSTM",
    "projected.pt": r"weight_hr_l0 has no canonical place: .* proj_size",
    "two_cells.pt": r"holds 2 LSTMs, expected one: choose with --prefix, one of '0', '1'",
    "gru_cell.pt": r"is of kind GRU, expected an LSTM",
    "half_cell.pt": r"torch_cell: missing arrays \['bias_hh'\], unknown arrays \[\]",
    "linear.pt": r"no LSTM: .*weight_ih_l0, found '0\.weight', .*'3\.bias' and 4 more$",
    "partial.pt": r"torch: missing arrays \['weight_hh_l0'\], unknown arrays \[\]",
    "unbiased_above.pt": r"torch: missing arrays \['bias_hh_l1'\], unknown arrays \[\]",
    "transposed.pt": r"weight_hh_l0 has shape \(5, 20\), expected",
    "scalar.pt": r"weight_ih_l0 has shape \(\), expected",
    "hollow.pt": r"hidden_size is 0, expected an integer of at least 1",
    "nan.pt": r"weight_hh_l0 holds NaN or infinity in 100 of 100 elements, expected finite",
    "mixed.pt": r"dtypes are \['float32', 'float64'\], expected one",
    "whole.pt": r"holds more than arrays \(torch\.nn\.modules\.rnn\.LSTM\), which isn't loaded",
    "tensor.pt": r"holds one Tensor, expected a state_dict",
    "list.pt": r"no LSTM: expected names .*weight_ih_l0, found '0'",
    "empty_dict.pt": r"no arrays among its 0 entries, expected a state_dict",
    "words.pt": r"no arrays among its 2 entries, expected a state_dict",
    "colours.pt": r"colours\.pt: \\x1b\[31mred\\nline takes 4000000000000000 bytes in a file",
    "expanded.pt": r"weight_hh_l0 takes 16000000000000000000 bytes in a file of \d+: a view",
    "many_views.pt": r"its arrays take 20000000 bytes in a file of \d+: views that repeat",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_lstm_is_refused_in_one_line(name, saved):
    assert_refused(saved / name, REFUSED[name])


@pytest.mark.parametrize("folder", [".", "legacy"])
def test_an_evil_pickle_does_not_run(folder, saved):
    message = r"it holds more than arrays \(posix\.mkdir\), which isn't loaded"
    assert_refused(saved / folder / "evil.pt", message)
    assert not (saved / "marker").exists()


@pytest.mark.parametrize("name", ["whole.pt", "expanded.pt"])
def test_an_older_file_is_refused_as_a_zip_archive_is(name, saved):
    assert_refused(saved / "legacy" / name, REFUSED[name])


DECLARED = b"cpuq\x07K\x3cN"  # where legacy/plain.pt says that weight_ih_l0 has 60 numbers
REBUILT = b"K\x00K\x14K\x03\x86"  # and that they are (20, 3), from number 0 on


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (DECLARED, b"cpuq\x07J\xff\xff\xff\x7fN", r"has 60 numbers, 2147483647 are declared"),
        (DECLARED, b"cpuq\x07\x8a\x08" + b"\x7f" * 8 + b"N", r"whose size isn't known before it"),
        (DECLARED, b"cpuq\x07J\xff\xff\xff\xffN", r"damaged: .* whose size isn't known before"),
        (DECLARED, b"cpuq\x07NN", r"damaged: .* whose size isn't known before it is allocated"),
        (
            REBUILT,
            b"K\x00J\xff\xff\xff\x7fK\x03\x86",
            r"a tensor that reaches number 6442450940 of a storage of 60",
        ),
        (b"]q\x00(X", b"]q\x00(h\x00X", r"it has no list of its storages"),
        (b"FloatStorage", b"FloatSt\x00rage", r"more than arrays \(torch\.FloatSt"),
        (
            b"ccollections\nOrderedDict",
            b"cbuiltins\nbytearray",
            r"\(builtins\.bytearray\), which",
        ),
    ],
)
def test_an_older_file_that_declares_what_it_does_not_hold(old, new, message, saved, tmp_path):
    data = (saved / "legacy/plain.pt").read_bytes()
    assert data.count(old) == 1
    path = tmp_path / "claims.pt"
    path.write_bytes(data.replace(old, new))
    assert_refused(path, message)


@pytest.mark.parametrize("cut", [15, 16, 100, 500, 700, -300, -1])
def test_a_truncated_older_file_is_refused(cut, saved, tmp_path):
    path = tmp_path / "cut.pt"
    path.write_bytes((saved / "legacy/plain.pt").read_bytes()[:cut])
    assert_refused(path, r"its pickle is damaged: |damaged or truncated: storage .* ends")


def test_an_older_file_without_the_numbers_of_an_array_is_refused(saved, tmp_path):
    path = tmp_path / "hollow.pt"
    data = (saved / "legacy/plain.pt").read_bytes()
    keys = data.rindex(b"\x80\x02]q\x00(")
    path.write_bytes(data[:keys] + b"\x80\x02]q\x00." + data[keys:])
    assert_refused(path, r"it declares storage '\d+' and holds no numbers for it")


@pytest.mark.parametrize("cut", [4, 100, -300, -1])
def test_a_truncated_checkpoint_is_refused(cut, saved, tmp_path):
    path = tmp_path / "cut.pt"
    path.write_bytes((saved / "plain.pt").read_bytes()[:cut])
    assert_refused(path, r"a damaged or truncated zip archive: ")


def test_deflated_members_are_read(saved, tmp_path):
    path = tmp_path / "deflated.pt"
    with (
        zipfile.ZipFile(saved / "plain.pt") as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    _, found = read(path)
    np.testing.assert_array_equal(found[0].w_ih, read(saved / "plain.pt")[1][0].w_ih)


def test_a_zip_bomb_is_not_inflated(saved, tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("plain/data.pkl", bytes(1 << 25))
    assert_refused(path, r"plain/data\.pkl would inflate from \d+ bytes to 33554432: a zip bomb")


@pytest.mark.parametrize(
    ("offset", "field", "message"),
    [
        (10, struct.pack("<H", zipfile.ZIP_DEFLATED), r"plain/data\.pkl: Error -3 while decomp"),
        (10, struct.pack("<H", zipfile.ZIP_LZMA), r"plain/data\.pkl is packed by method 14, exp"),
        (24, struct.pack("<I", 10**9), r"plain/data\.pkl declares 1000000000 bytes, and holds"),
        (20, struct.pack("<II", 10**9, 10**9), r"declares 1000000000 bytes, more than the file"),
    ],
)
def test_members_that_claim_to_inflate_are_refused(offset, field, message, saved, tmp_path):
    path = tmp_path / "claims.pt"
    data = bytearray((saved / "plain.pt").read_bytes())
    first = data.index(b"PK\x01\x02") + offset  # in the central directory: method, then both sizes
    data[first : first + len(field)] = field
    path.write_bytes(data)
    assert_refused(path, message)


def test_a_member_with_another_checksum_is_refused(saved, tmp_path):
    data = bytearray((saved / "plain.pt").read_bytes())
    with zipfile.ZipFile(saved / "plain.pt") as archive:
        first = archive.read("plain/data/0")
    path = tmp_path / "damaged.pt"
    data[data.index(first)] ^= 1
    path.write_bytes(data)
    assert_refused(path, r"a damaged zip archive: plain/data/0: Bad CRC-32")


def test_a_damaged_zip_is_refused_or_holds_the_same_numbers(saved, tmp_path):
    path, draw = tmp_path / "mutant.pt", random.Random(0)
    data = (saved / "plain.pt").read_bytes()
    _, whole = read(saved / "plain.pt")
    refused = 0
    for _ in range(60):
        flipped = bytearray(data)
        for bit in draw.sample(range(8 * len(data)), draw.choice((1, 1, 2, 8))):
            flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            _, found = read(path)
        except InputError:
            refused += 1
            continue
        for one, other in zip(found, whole, strict=True):
            for name, array in vars(one).items():
                np.testing.assert_array_equal(array, vars(other)[name])
    assert refused > 10


def test_a_file_that_torch_was_told_to_save_without_checksums_is_read(saved, tmp_path):
    """`torch.serialization.set_crc32_options(False)` leaves the checksum of each member at 0."""
    data, path = bytearray((saved / "plain.pt").read_bytes()), tmp_path / "no_crc.pt"
    for entry in re.finditer(b"PK\x01\x02", bytes(data)):
        data[entry.start() + 16 : entry.start() + 20] = bytes(4)
    path.write_bytes(data)
    _, found = read(path)
    assert found[0].w_ih.shape == (4, 5, 3)


def test_a_zip_of_something_else_is_refused(tmp_path):
    path = tmp_path / "photos.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat.txt", "meow")
    assert_refused(path, r"a zip archive without the member data\.pkl that torch")


def state(dtype="float32", prefix="", **changed):
    draw = np.random.default_rng(3).standard_normal
    shapes = {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5)}
    shapes |= {"bias_ih_l0": (20,), "bias_hh_l0": (20,)}
    arrays = {name: draw(shape).astype(dtype) for name, shape in shapes.items()} | changed
    return {prefix + name: array for name, array in arrays.items()}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["model.safetensors", "model.pt"])  # content decides
def test_safetensors_come_back_bit_for_bit(name, dtype, tmp_path):
    arrays = state(dtype)
    save_file({**arrays, "steps": np.arange(3)}, tmp_path / name)
    config, params = read(tmp_path / name)
    expected = "float64" if dtype == "float64" else "float32"
    assert config == Config(3, 5, dtype=expected)
    for key, array in TORCH.pack(params, config).items():
        np.testing.assert_array_equal(array, arrays[key].astype(expected), strict=True)


def test_safetensors_of_bfloat16_are_widened_exactly(tmp_path):
    bits = {key: array.view(np.uint32) >> 16 for key, array in state().items()}
    path = tmp_path / "bfloat16.safetensors"
    save_file({key: array.astype(np.uint16) for key, array in bits.items()}, path)
    path.write_bytes(relabelled(path.read_bytes(), b'"U16"', b'"BF16"'))
    config, params = read(path)
    for key, array in TORCH.pack(params, config).items():
        np.testing.assert_array_equal(array, (bits[key] << 16).view(np.float32), strict=True)


def test_safetensors_without_biases_and_inside_a_model(tmp_path):
    arrays = {k: v for k, v in state(prefix="encoder.").items() if "bias" not in k}
    save_file({**arrays, **state(prefix="decoder.lstm.")}, tmp_path / "model.safetensors")
    assert read(tmp_path / "model.safetensors", "encoder")[0] == Config(3, 5, biases=False)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused(bad, tmp_path):
    bias = np.zeros(20, np.float16)
    bias[7] = bad
    path = tmp_path / "nan.safetensors"
    save_file(state("float16", "lstm.", bias_hh_l0=bias), path)
    message = r"prefix 'lstm': bias_hh_l0 holds NaN or infinity in 1 of 20 elements"
    assert_refused(path, message)


def relabelled(data, old, new):
    """The same safetensors with a word of its header replaced."""
    (size,) = struct.unpack("<Q", data[:8])
    header = data[8 : 8 + size].replace(old, new)
    return struct.pack("<Q", len(header)) + header + data[8 + size :]


def damaged(data):
    return {
        "truncated": data[:-1],
        "cut in the header": data[:40],
        "cut at the length": data[:5],
        "longer": data + b"0",
        "no header": struct.pack("<Q", 1 << 40) + b"{}",
        "huge header": struct.pack("<Q", (1 << 63) + 5) + data[8:],
        "huge shape": relabelled(data, b"[20,3]", b"[4294967296,4294967297]"),
        "wrong shape": relabelled(data, b"[20,3]", b"[20,4]"),
        "unknown dtype": relabelled(data, b'"F32"', b'"F99"'),
        "not JSON": relabelled(data, b'"dtype"', b"dtype"),
    }


@pytest.mark.parametrize("how", damaged(bytes(8)))
def test_damaged_safetensors_are_refused(how, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(state(), path)
    path.write_bytes(damaged(path.read_bytes())[how])
    assert_refused(
        path,
        r"damaged or truncated safetensors: |a file of a kind that isn't known|is F99, expected",
    )


def test_integer_weights_are_no_lstm(tmp_path):
    path = tmp_path / "quantized.safetensors"
    save_file({k: v.astype(np.int8) for k, v in state().items()}, path)
    assert_refused(path, r"bias_hh_l0 is int8, expected floats$")


@pytest.mark.parametrize("name", ["notes.pt", "notes.safetensors", "notes.txt"])
def test_a_text_file_is_refused_whatever_its_name(name, tmp_path):
    path = tmp_path / name
    path.write_text("These are my notes on the model.\n" * 100)
    assert_refused(path, r"a file of a kind that isn't known, expected ")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.pt"
    path.touch()
    assert_refused(path, r"is empty, expected a file with a network's weights")


def test_a_directory_is_refused(tmp_path):
    assert_refused(tmp_path, r"is a folder, expected a file with a network's weights")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert_refused(
        tmp_path / "absent.pt", r"is not there, expected a file with a network's weights"
    )
