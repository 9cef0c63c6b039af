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


def test_what_follows_a_function_has_a_line_of_its_own():
    text = ">>> def f():\n...     return 1\n>>> f()\n1\n"
    assert split_examples(text) == [Chunk("def f():\n    return 1\n\nf()", "1", 2)]


def test_an_exception_is_an_output():
    [chunk] = split_examples(">>> 1 / 0\nTraceback (most recent call last):\nError: by zero\n")
    assert chunk.raises
    assert chunk.output.endswith("by zero")
