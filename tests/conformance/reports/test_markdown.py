"""A run as Markdown, rendered: every word arrives as it was, and none of it is obeyed."""

from __future__ import annotations

import dataclasses
import html
import re
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from gateparity.backends.backend import Backend
from gateparity.conformance.reports.markdown import escape, to_markdown
from gateparity.conformance.runs.result import Pair, Result, Run

NUMPY = Backend(
    "numpy", "scratch", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable)
)
REASON = "y[0, 1]: found 1, expected 2"
RENDER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ODD = [
    "a | b || c",
    "<script>alert(1)</script> <b>",
    "`code` ``more``",
    "*em* **strong** _em_ __init__ d_w_hh",
    "[text](http://there) ![image](x) [ref]",
    "~~gone~~",
    "&amp; &lt; & <",
    "back\\slash \\| \\",
    "$x$ $$y$$",
    "trailing |",
]


def make_run(name="mypkg", reason=REASON, version="1.0"):
    mine = Backend(name, "", "mypkg:LSTM", Path(sys.executable), shipped=False, installed=True)
    results = (
        Result(NUMPY, "forward", "unit", "float32", "pass", 1e-8, sigmas=0.5),
        Result(NUMPY, "forward", "unit", "float64", "pass", 1e-16, sigmas=1.25),
        Result(NUMPY, "gates", "unit", "float32", "skip", reason=reason),
        Result(mine, "forward", "unit", "float32", "fail", 0.5, reason, sigmas=41.0),
        Result(mine, "forward", "unit", "float64", "error", reason=reason),
    )
    pair = Pair("numpy:scratch", mine.label, "float32", "fail", 0.5, reason)
    return Run((NUMPY, mine), results, (pair,), {mine.label: version}, 3, 2.0, 0.1)


def render(text):
    return RENDER.render(text)


def words(markup):
    """What a reader sees, tags aside."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def table(markup):
    """The cells of the table, row by row."""
    backends = re.findall(r"<tr>(.*?)</tr>", markup, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", backend, re.DOTALL) for backend in backends]
    return [[words(cell) for cell in backend] for backend in cells]


def test_the_verdict_comes_first():
    text = to_markdown(make_run())
    assert text.startswith("### gateparity: differs\n")
    assert "2 pass, 0 known, 1 fail, 1 skip, 1 error; 1 pairs; seed 3; 2.0 s, of them" in text
    assert "1.5 cases/s" in text


def test_the_table_has_a_line_for_each_row_and_dtype():
    assert table(render(to_markdown(make_run()))) == [
        ["backend", "version", "dtype", "forward", "gates"],
        ["numpy:scratch", "", "float32", "0.5", "skip"],
        ["numpy:scratch", "", "float64", "1.2", "-"],
        ["mypkg", "1.0", "float32", "41.0 X", "-"],
        ["mypkg", "1.0", "float64", "error", "-"],
    ]


def test_reasons_failures_and_pairs_are_told():
    markup = render(to_markdown(make_run(), "--text 'a b.txt'"))
    seen = words(markup)
    assert f"numpy:scratch skip: gates: {REASON}" in seen
    assert f"mypkg forward, case unit, float32 differs : {REASON}" in seen
    assert f"numpy:scratch and mypkg differ, float32 : {REASON}" in seen
    backends, work = "--backend numpy --backend mypkg", "--check forward --text 'a b.txt' --seed 3"
    repeat = f"$ gateparity check {backends} {work}"
    assert f'<pre><code class="language-console">{html.escape(repeat, quote=False)}\n' in markup


def test_what_explains_a_row_and_what_was_saved_is_told():
    run = dataclasses.replace(make_run(), explanations={"mypkg": "as if *two* gates"})
    saved = dataclasses.replace(run.results[3], saved="a b.npz", saved_sizes="T1 B1")
    run = dataclasses.replace(run, results=(*run.results[:3], saved, run.results[4]))
    seen = words(render(to_markdown(run)))
    assert "mypkg : as if *two* gates" in seen
    assert "saved: 'a b.npz' (T1 B1); gateparity replay 'a b.npz' --backend mypkg" in seen


@pytest.mark.parametrize("odd", ODD)
def test_nothing_that_a_backend_says_is_obeyed(odd):
    markup = render(to_markdown(make_run(odd, odd, odd)))
    cells = table(markup)
    assert {len(backend) for backend in cells} == {5}
    seen = " ".join(odd.split())
    assert cells[3][:2] == [seen, seen]
    assert words(markup).count(seen) >= 6
    plain = render(to_markdown(make_run("x", "x", "x")))
    tags = "script|b|em|a|img|s|del|h1"
    assert len(re.findall(f"<({tags})\\b", markup)) == len(re.findall(f"<({tags})\\b", plain))


@pytest.mark.parametrize("odd", ODD)
def test_what_is_escaped_is_read_as_it_was(odd):
    assert words(render(escape(odd))) == " ".join(odd.split())


def test_a_line_break_stays_in_its_cell():
    assert table(render(to_markdown(make_run(version="1\n\n# 2"))))[3][1] == "1 # 2"


def test_a_fence_in_a_command_does_not_end_its_block():
    markup = render(to_markdown(make_run("a```b")))
    assert "--backend 'a```b' --check forward" in html.unescape(markup)
