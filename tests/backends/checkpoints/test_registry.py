"""A checkpoint format is one module in the folder: nothing else names it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gateparity.backends import checkpoints
from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import find_format, known_formats, list_suffixes
from gateparity.backends.checkpoints.source import open_source
from gateparity.errors import InputError
from gateparity.network.config import Config

TEXTS = """
import numpy as np

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.format import Format


def _read(source):
    shapes = {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5)}
    return Contents("text", {
        f"lstm.{name}": StoredArray(shape, "float64", lambda shape=shape: np.ones(shape))
        for name, shape in shapes.items()
    })


FORMATS = (
    Format("a text", lambda source: source.head.startswith(b"text"), _read, ".text"),
    Format("a text", lambda source: source.head.startswith(b"GGUF"), _read, ".text"),
)
"""


@pytest.fixture
def text_format(tmp_path, monkeypatch):
    """A module for a format of texts, in the folder of the formats while the test runs."""
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "texts.py").write_text(TEXTS)
    monkeypatch.setattr(checkpoints, "__path__", [*checkpoints.__path__, str(folder)])
    known_formats.cache_clear()
    yield
    known_formats.cache_clear()
    del sys.modules[f"{checkpoints.__name__}.texts"]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "model.bin"
    path.write_text("text of a model")
    return path


def unused(*_):
    pytest.fail("a framework was asked for a file that is none of its own")


def format_of(path):
    with open_source(path, unused) as source:
        return find_format(source)


@pytest.mark.usefixtures("text_format")
def test_a_module_in_the_folder_is_a_format(text, tmp_path):
    config, params = read_checkpoint(text, None, unused)
    assert config == Config(3, 5, biases=False, dtype="float64")
    np.testing.assert_array_equal(params[0].w_hh, np.ones((4, 5, 5)))
    assert ".text" in list_suffixes().split(" or ")
    (tmp_path / "notes.txt").write_text("These are my notes.")
    with pytest.raises(InputError, match=r"expected .*a text, .* or safetensors$"):
        read_checkpoint(tmp_path / "notes.txt", None, unused)


@pytest.mark.usefixtures("text_format")
def test_a_format_that_is_read_is_asked_before_one_that_is_refused(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    assert format_of(tmp_path / "model.gguf").read


def test_without_its_module_the_format_is_not_known(text):
    assert format_of(text).name == "safetensors"
    assert ".text" not in list_suffixes().split(" or ")


def test_the_format_that_takes_any_file_is_asked_last(tmp_path):
    (tmp_path / "any").write_bytes(b"?")
    with open_source(tmp_path / "any", unused) as source:
        anything = [known.name for known in known_formats() if known.matches(source)]
    assert anything == ["safetensors"] == [known_formats()[-1].name]
