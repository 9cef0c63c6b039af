"""A file is opened once, in parts, and another process's writing is noticed."""

from __future__ import annotations

import os

import pytest

from gateparity.backends.checkpoints.source import open_source
from gateparity.errors import InputError


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "file"
    found.write_bytes(bytes(range(100)))
    return found


def test_parts_are_read_and_no_byte_beyond(path):
    with open_source(path, None) as source:
        assert (source.size, source.head[:3]) == (100, b"\0\1\2")
        assert source.part(98, 2) == source.tail(2) == b"bc"
        assert source.tail(1000) == bytes(range(100))
        for start, length in ((99, 2), (-1, 1), (0, 2**63), (0, -1)):
            with pytest.raises(ValueError, match="damaged or truncated"):
                source.part(start, length)


def test_a_file_that_grows_meanwhile_is_refused(path):
    with (
        pytest.raises(InputError, match="changed while it was read: another process"),
        open_source(path, None),
        path.open("ab") as file,
    ):
        file.write(b"more")


def read_while_it_shrinks(path):
    with open_source(path, None) as source:
        os.truncate(path, 50)
        source.part(40, 60)


def test_a_file_that_shrinks_meanwhile_is_refused(path):
    with pytest.raises(ValueError, match="became shorter while it was read"):
        read_while_it_shrinks(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(InputError, match="is no file, expected a file with a network's weights"),
        open_source(tmp_path / "pipe", None),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.index", r"weights, such as .*model\.index$"),
        ("3/default/_METADATA", r"weights, such as .*3.default._METADATA$"),
        ("notes.txt", "a network's weights$"),
    ],
)
def test_a_folder_is_refused_with_a_file_in_it(name, words, tmp_path):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=words), open_source(tmp_path, None):
        pass


@pytest.mark.parametrize("name", ["_METADATA", "default/_METADATA", "variables/variables.index"])
def test_a_folder_that_is_a_model_is_read_by_the_file_that_names_its_arrays(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("names")
    with open_source(tmp_path, None) as source:
        assert source.path == tmp_path / name
