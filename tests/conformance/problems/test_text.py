"""Texts become the windows that d2l trains on, and what is no text is refused in one line."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from pydoc_data import topics

import numpy as np
import pytest

from gateparity.conformance.problems.text import Text, read_text, windows
from gateparity.errors import InputError
from gateparity.protocol.training import one_hot

TIME_MACHINE = "090b5e7e70c295757f55df93cb0a180b9691891a"  # SHA-1, as d2l gives it


@pytest.fixture
def english(tmp_path):
    """A real text: the file that GATEPARITY_TEXT names, else the help of Python itself."""
    if named := os.environ.get("GATEPARITY_TEXT"):
        return Path(named)
    path = tmp_path / "topics.txt"
    path.write_text("\n".join(topics.topics.values()), "utf-8")
    return path


@pytest.fixture
def fox(tmp_path):
    path = tmp_path / "fox.txt"
    path.write_text("The quick, BROWN fox --\n42 jumps; over the lazy dog!\n", "utf-8")
    return read_text(path)


def written(text):
    return "".join(text.symbols[code] for code in text.codes)


def test_letters_are_lowered_and_the_rest_is_one_space(fox):
    assert written(fox) == "the quick brown fox jumps over the lazy dog "


def test_the_symbols_are_the_unknown_and_the_characters_sorted(fox):
    assert fox.symbols == ("<unk>", *" abcdefghijklmnopqrstuvwxyz")
    assert fox.codes.dtype.kind == "i"


def test_a_real_text_has_28_symbols(english):
    text = read_text(english)
    assert len(text.symbols) == 28
    assert "  " not in written(text)
    if hashlib.sha1(english.read_bytes()).hexdigest() == TIME_MACHINE:
        assert len(text.codes) == 173_428  # what d2l's own build() returns
        assert written(text).startswith("the time machine by h g wells i the time traveller")


def test_windows_are_time_major_and_each_is_one_character_on(english):
    text = read_text(english)
    codes = windows(text)
    assert codes.shape == (32, 256)
    for k in (0, 1, 255):
        np.testing.assert_array_equal(codes[:, k], text.codes[k : k + 32])


def test_a_short_text_gives_fewer_windows(fox):
    codes = windows(fox, steps=40)
    assert codes.shape == (40, len(fox.codes) - 40)
    np.testing.assert_array_equal(codes[:, -1], fox.codes[-41:-1])  # the last character is a label


def test_one_window_needs_one_character_more_than_steps(fox):
    assert windows(fox, steps=len(fox.codes) - 1).shape == (len(fox.codes) - 1, 1)
    found = len(fox.codes)
    with pytest.raises(
        InputError, match=rf"fox\.txt has {found} letters and spaces, expected at least {found + 1}"
    ):
        windows(fox, steps=found)


def test_windows_do_not_share_memory_with_the_text(fox):
    codes = windows(fox)
    codes[:] = 0
    assert fox.codes.any()


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
def test_one_hot_is_one_at_the_symbol(fox, dtype):
    codes = windows(fox)
    x = one_hot(codes, len(fox.symbols), dtype)
    assert x.shape == (*codes.shape, 28)
    assert x.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(x.argmax(-1), codes)
    np.testing.assert_array_equal(x.sum(-1), 1)
    assert set(np.unique(x)) == {0, 1}


BAD = {
    "empty": (b"", r"is empty, expected a text"),
    "latin-1": ("The caf\xe9 of time".encode("latin-1"), r"is not UTF-8: .* at byte 7$"),
    "binary": (bytes(range(256)), r"is not UTF-8: .* at byte 128$"),
    "figures": (b"3.14159 26535\n" * 100, r"has no letters"),
    "another alphabet": ("Время".encode(), r"has no letters"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_text_is_refused_in_one_line(name, tmp_path):
    data, message = BAD[name]
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    assert_refused(path, message)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert_refused(tmp_path / "absent.txt", r"absent\.txt can't be read, expected a text: No such")


def test_a_directory_is_refused(tmp_path):
    assert_refused(tmp_path, r"can't be read, expected a text: it is a directory")


def test_a_device_that_never_ends_is_refused():
    assert_refused(Path("/dev/zero"), r"can't be read, expected a text: it is no regular file")


def test_a_path_that_no_file_can_have_is_refused():
    assert_refused(Path("a\0b"), r"can't be read")
    assert_refused(Path("a" * 5000), r"can't be read, expected a text: File name too long")


def test_a_text_made_by_hand_has_a_name_in_errors():
    with pytest.raises(InputError, match="the text has 1 letters"):
        windows(Text(("<unk>", "a"), np.ones(1, np.int64)))


def assert_refused(path, message):
    with pytest.raises(InputError, match=message) as caught:
        read_text(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
