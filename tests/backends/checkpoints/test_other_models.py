"""A model of another format is called by its kind, whatever its name, in one line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import struct
import sys
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import find_format
from gateparity.backends.checkpoints.source import open_source
from gateparity.errors import InputError

# coremltools 9.0: a neural network of one ReLU, saved by coremltools.utils.save_spec.
COREML = bytes.fromhex(
    "080112200a0e0a01781a092a070a010110c08004520e0a01791a092a070a010110c08004a21f100a0e0a0161"
    "1201781a01799208025200"
)


# TensorFlow 2.21: a GraphDef of one Placeholder, and a MetaGraphDef's first operator, Add.
GRAPH = b"\x0a\x17\x0a\x01x\x12\x0bPlaceholder*\x05dtype"
META_GRAPH = (
    b"\x0a\x28\x12\x26\x0a\x24\x0a\x03Add\x12\x06\x0a\x01x\x22\x01T\x1a\x06\x0a\x01z\x22\x01T"
)


def unused(*_):
    pytest.fail("PyTorch was asked for a file that is none of its own")


def format_of(data, folder):
    path = folder / "a file"
    path.write_bytes(data)
    with open_source(path, unused) as source:
        return find_format(source).name


def assert_called(kind, path):
    with pytest.raises(InputError) as caught:
        read_checkpoint(path, None, unused)
    assert str(caught.value).startswith((f"{path}: {kind}, expected ", f"{path}: {kind}, which "))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n",
            "Git LFS .*: git lfs pull",
        ),
        (b"\n<!DOCTYPE html><html></html>", "a web page .*: download the file again"),
        (gzip.compress(b"weights"), "a compressed file, which isn't read: unpack it first"),
        (bz2.compress(b"weights"), "a compressed file"),
        (lzma.compress(b"weights"), "a compressed file"),
        (pickle.dumps([1.5]), "nothing is unpickled; .* write its arrays with numpy.savez"),
        (b"\x1c\0\0\0ORTM" + bytes(60), "take the .onnx file that it was converted from"),
        (COREML, "take the weights of the model that it was converted from"),
        (GRAPH, "a graph of TensorFlow, .*: take the .index file of the checkpoint"),
        (META_GRAPH, "a graph of TensorFlow, .*: take the .index file of the checkpoint"),
        (b"\x08\x01\x12" + bytes([len(GRAPH)]) + GRAPH, "SavedModel, .*: take its folder"),
        (b'model_checkpoint_path: "final.ckpt-9"\n', "the checkpoint that it names"),
        (b"lmgg\x0a\0\0\0silero-16k", "a model of ggml, which isn't read"),
        (b"#Parameter# /lstm-builder/_0 {8,8} 641 ", "a model of DyNet, .*: load it with DyNet"),
        (b'{"format": "layers-model", "modelTopology": {}}', "a model of TensorFlow.js"),
    ],
)
def test_a_refusal_says_what_to_do(data, words, tmp_path):
    (tmp_path / "model.pt").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_checkpoint(tmp_path / "model.pt", None, unused)


def test_an_exported_program_is_called_so(tmp_path):
    path = tmp_path / "model.pt2"
    with zipfile.ZipFile(path, "w") as archive:  # the members that torch 2.13's export.save begins
        archive.writestr("model/archive_format", "pt2")
        archive.writestr("model/archive_version", "0")
    assert_called("a program that torch.export saved", path)


def test_a_package_of_torch_is_called_so(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:  # members that torch 2.13's PackageExporter writes
        archive.writestr("model/.data/version", "6\n")
        archive.writestr("model/models/lstm.pkl", pickle.dumps(1))
    assert_called("an archive of torch.package", path)


def test_a_zip_archive_of_a_model_says_what_is_in_it(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("info.yml", "")
        archive.writestr("classifier.keras", "")
    with pytest.raises(InputError, match=r"unpack it first .* \(info\.yml, classifier\.keras\)"):
        read_checkpoint(path, None, unused)


def test_the_numbers_of_a_checkpoint_and_its_prefix_lead_to_its_index(tmp_path):
    (tmp_path / "model.ckpt.index").write_bytes(b"index")
    numbers = tmp_path / "model.ckpt.data-00000-of-00001"
    numbers.write_bytes(bytes(100))
    assert_called("the numbers of a TensorFlow checkpoint", numbers)
    with pytest.raises(InputError, match=r"is not there, .*, such as .*model\.ckpt\.index"):
        read_checkpoint(tmp_path / "model.ckpt", None, unused)


PICKLED = {"lstm": [1.5, "weights"], "more": list(range(300))}


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors", "model.onnx"])
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (COREML, "a Core ML model"),
        *[(pickle.dumps(PICKLED, n), "a pickle that torch.save didn't write") for n in range(2, 6)],
    ],
    ids=["coreml", *(f"pickle {n}" for n in range(2, 6))],
)
def test_a_file_is_called_by_its_content(name, data, kind, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    assert_called(kind, path)


class Evil:
    def __reduce__(self):
        return sys.exit, ("a pickle ran",)


def test_a_pickle_is_called_by_its_kind_and_does_not_run(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(Evil(), 4))
    assert_called("a pickle that torch.save didn't write", path)


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08\x0e",
        b"\x08\x80\x80",
        b"\x08" + b"\xff" * 40,
        b"\x08\x01" * 10**5,
        b"These are my notes.\n",
        b"\x80\x02\x00\x00\x00\x00\x00\x00{.",
        bytes(100),
    ],
)
def test_what_no_other_format_matches_is_tried_as_safetensors(data, tmp_path):
    assert format_of(data, tmp_path) == "safetensors"


@pytest.mark.parametrize("size", range(640, 1410, 256))
def test_a_safetensors_file_whose_header_has_the_size_of_a_pickle_is_none(size, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"w": np.zeros(3, np.float32)}, path)
    data = path.read_bytes()
    (old,) = struct.unpack("<Q", data[:8])
    data = struct.pack("<Q", size) + data[8 : 8 + old].ljust(size) + data[8 + old :]
    assert data[0] == 0x80
    assert format_of(data + b".", tmp_path) == "safetensors"
