"""A report as Markdown, rendered: every word arrives as it was, and none of it is obeyed."""

from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from gateparity.conformance.reports.blocks import Cell, Code, Figure, Report, Section, Table, line
from gateparity.conformance.reports.markdown import escape, to_markdown

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


def make_report(odd):
    return Report(
        odd,
        [
            Section(odd, [Table((odd, "n"), [[odd, Cell(odd, "fail")]], odd, numbers=1)]),
            line(odd),
            line(odd, Cell(odd, "pass"), item=True),
        ],
        odd,
        1,
        odd,
    )


def test_the_verdict_comes_first_and_sections_nest():
    inner = Section("Inner", [line("said")])
    report = Report("gateparity check", [Section("All", [inner])], "differs", 1, "2 pass")
    assert to_markdown(report) == (
        "# gateparity check: differs\n\n2 pass.\n\n## All\n\n### Inner\n\nsaid\n"
    )


def test_a_table_aligns_its_numbers_and_marks_what_fails():
    rows = [["forward", Cell("1.2", "pass"), Cell("41 X", "fail")]]
    text = to_markdown(Report("r", [Table(("check", "1", "2"), rows, numbers=2)]))
    assert "| check | 1 | 2 |\n| --- | ---: | ---: |\n| forward | 1.2 | **41 X** |" in text


def test_items_are_a_list_without_blank_lines():
    text = to_markdown(Report("r", [line("a", item=True), line("b", item=True), line("c")]))
    assert text == "# r\n\n- a\n- b\n\nc\n"


def test_a_picture_is_told_in_words_and_what_only_a_page_has_is_left_out():
    words = Table(("step", "0"), [["sigma", "9.0"]], "Growth", numbers=1)
    extra = Section("Page", [line("x")], extra=True)
    text = to_markdown(Report("r", [Figure("chart", None, words), Figure("chart", None), extra]))
    assert text == "# r\n\nGrowth:\n\n| step | 0 |\n| --- | ---: |\n| sigma | 9.0 |\n"


@pytest.mark.parametrize("odd", ODD)
def test_nothing_that_a_backend_says_is_obeyed(odd):
    markup = render(to_markdown(make_report(odd)))
    seen = " ".join(odd.split())
    assert table(markup) == [[seen, "n"], [seen, seen]]
    assert words(markup).count(seen) >= 9
    plain = render(to_markdown(make_report("x")))
    tags = "script|b|em|a|img|s|del|h1"
    assert len(re.findall(f"<({tags})\\b", markup)) == len(re.findall(f"<({tags})\\b", plain))


@pytest.mark.parametrize("odd", ODD)
def test_what_is_escaped_is_read_as_it_was(odd):
    assert words(render(escape(odd))) == " ".join(odd.split())


def test_lines_of_a_cell_stay_in_it_and_none_is_obeyed():
    markup = render(to_markdown(Report("r", [Table(("a",), [["1\n\n# 2"]])])))
    assert table(markup) == [["a"], ["1 # 2"]]


def test_a_fence_in_a_command_does_not_end_its_block():
    markup = render(to_markdown(Report("r", [Code("check -b 'a```b'"), line("after")])))
    assert "<p>after</p>" in markup
    assert "$ check -b 'a```b'" in html.unescape(markup)


def test_an_address_is_a_link_whatever_it_contains():
    markup = render(to_markdown(Report("r", [line("see https://a.b/c_d_e?f=1&g*h*, or not")])))
    assert (
        '<a href="https://a.b/c_d_e?f=1&amp;g*h*">https://a.b/c_d_e?f=1&amp;g*h*</a>, or' in markup
    )
    assert "<a " not in render(escape("http://a.b ://c https://"))
