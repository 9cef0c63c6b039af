"""A reader copies code without prompts, and sees its output apart from it."""

from __future__ import annotations

from _extensions.lesson import Chunk, split_examples


def test_code_ends_where_it_prints():
    text = ">>> a = 1\n>>> a\n1\n>>> print('b')\nb\n\n>>> c = 2\n"
    assert split_examples(text, 7) == [
        Chunk("a = 1\na", "1", 8),
        Chunk("print('b')", "b", 10),
        Chunk("c = 2"),
    ]


def test_a_function_has_a_blank_line_before_and_after_it():
    text = ">>> a = 1\n>>> def f():\n...     return a\n>>> f()\n1\n"
    [chunk] = split_examples(text)
    assert chunk == Chunk("a = 1\n\ndef f():\n    return a\n\nf()", "1", 3)


def test_an_exception_is_an_output():
    [chunk] = split_examples(">>> 1 / 0\nTraceback (most recent call last):\nError: by zero\n")
    assert chunk.raises
    assert chunk.output.endswith("by zero")
