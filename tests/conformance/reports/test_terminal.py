"""A report on a terminal: no table is too wide, no word is lost, no markup is obeyed."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from gateparity.conformance.reports.blocks import Cell, Code, Report, Section, Table, line
from gateparity.conformance.reports.console import make_console, print_error
from gateparity.conformance.reports.terminal import print_report

SENTENCE = "a sentence of a dozen words that has to be broken between them"


def printed(report, width=80, *, terminal=True, **options):
    file = io.StringIO()
    options = {"color_system": None, "legacy_windows": False, **options}
    print_report(report, Console(file=file, width=width, force_terminal=terminal, **options))
    return file.getvalue()


def wide_table(columns=20, rows=3):
    head = ["check", *(f"backend-{k}" for k in range(columns))]
    cells = [[f"check-{j}", *(f"{j}.{k}" for k in range(columns))] for j in range(rows)]
    return Table(head, cells, numbers=columns)


@pytest.mark.parametrize("width", [20, 40, 80, 100, 140])
def test_a_table_is_cut_into_groups_of_columns_and_each_names_its_rows(width):
    text = printed(Report("name", [wide_table()]), width)
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    assert {f"{j}.{k}" for j in range(3) for k in range(20)} <= set(words)
    groups = text.count("check ")
    assert words.count("check-0") == groups > 1


def test_a_column_of_sentences_wraps_first():
    table = Table(("name", "reason", "n"), [["a", SENTENCE, "12"]], numbers=1)
    text = printed(Report("name", [table]), 50)
    assert max(map(len, text.splitlines())) <= 50
    assert text.count("name") == 1
    assert " ".join(text.split()).count("12") == 1
    assert set(SENTENCE.split()) <= set(text.split())


def test_a_pipe_gets_whole_lines():
    table = Table(("name", "reason"), [["a", SENTENCE * 9]])
    text = printed(Report("name", [table, wide_table(), line(SENTENCE * 9)]), 40, terminal=False)
    assert SENTENCE * 9 in text
    assert text.count("check-0") == 1
    assert text.splitlines()[-1] == SENTENCE * 9


def test_a_terminal_breaks_a_sentence_between_words_and_no_command():
    command = "gateparity check --backend " + "x" * 100
    text = printed(Report("name", [line(SENTENCE), Code(command)]), 30)
    lines = text.splitlines()
    assert " ".join(lines[:-1]).split() == SENTENCE.split()
    assert max(map(len, lines[:-1])) <= 30
    assert lines[-1] == f"  $ {command}"


def test_an_address_stays_whole():
    address = "https://somewhere.example/" + "x" * 60
    text = printed(Report("name", [line(f"It is known upstream: {address} and no more")]), 40)
    assert text.splitlines() == ["It is known upstream:", address, "and no more"]


def test_the_verdict_and_what_matters_most_come_first_and_last():
    lead = [line(Cell("mine", "fail"), " is wrong")]
    report = Report("name", [Section("All", [wide_table(3)])], "differs", 1, "3 of 4", lead)
    lines = printed(report).splitlines()
    assert lines[:2] == ["differs: 3 of 4", "mine is wrong"]
    assert lines[-2:] == ["mine is wrong", "differs: 3 of 4"]


def test_what_has_nothing_to_show_is_left_out():
    empty, extra = Table(("a",), []), Section("Page", [line("x")], extra=True)
    assert printed(Report("name", [Section("None", [empty]), extra])) == ""
    assert printed(Report("name", [Section("None", [empty])], "agrees")) == "agrees\n"


def test_tones_are_colours_on_a_terminal():
    row = [Cell("good", "pass"), Cell("bad", "fail")]
    text = printed(Report("name", [Table(("a", "b"), [row])]), color_system="standard")
    assert "\x1b[32mgood" in text
    assert "\x1b[1;31mbad" in text


def test_no_colours_where_there_is_no_terminal():
    row = [Cell("good", "pass"), Cell("bad", "fail")]
    report = Report("name", [Table(("a", "b"), [row])], "differs", 1)
    assert "\x1b" not in printed(report, terminal=False, color_system="auto")


def test_markup_and_control_codes_are_text():
    odd = "[/] [bold]x[/red] \x1b[31m :smile:"
    report = Report(
        odd,
        [Section(odd, [line(odd), Table((odd, "b"), [[odd, Cell(odd, "fail")]], odd), Code(odd)])],
        odd,
        0,
        odd,
    )
    text = printed(report, 400)
    assert text.count(r"[/] [bold]x[/red] \x1b[31m :smile:") == 11
    assert "\x1b" not in text


def test_standard_output_wraps_nothing(capsys):
    make_console().print("word " * 100)
    assert capsys.readouterr().out == "word " * 100 + "\n"


def test_an_error_is_one_line_on_standard_error(capsys):
    print_error("x [/] " + "word " * 100 + "[red]")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "gateparity: x [/] " + "word " * 100 + "[red]\n"
    assert not re.search("\x1b", err)
