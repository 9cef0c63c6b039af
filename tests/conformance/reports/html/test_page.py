"""A report as a page: all of it, every value escaped, and nothing that a browser would fetch."""

from __future__ import annotations

import dataclasses
import re
import sys
from html.parser import HTMLParser

import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.reports.blocks import Cell, Code, Report, Section, Table, line
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.html.page import link, to_html
from gateparity.conformance.reports.run import run_report
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Result
from gateparity.errors import InputError
from gateparity.files import write_text
from tests.command import run_command

EVIL = "</script><img src=x onerror=alert(1)>"
MINE = Backend("mine", "Mine", "mine:Mine", None, shipped=False)


class Page(HTMLParser):
    """Tags with their attributes, ids and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def values(self, name):
        return [attrs[name] for _, attrs in self.tags if name in attrs]


def html_of(run, source=""):
    return to_html(run_report(run, Source(source)))


def page_of(run):
    return Page(html_of(run))


def test_every_value_is_escaped(run):
    table = Table((EVIL, EVIL), [[EVIL, Cell(EVIL, "fail")], [Cell(EVIL, code=True), EVIL]], EVIL)
    blocks = [line(EVIL, Cell(EVIL, "pass")), table, Code(EVIL), Code(EVIL, "python")]
    report = Report(EVIL, [Section(EVIL, blocks)], EVIL, 1, EVIL, [line(EVIL)])
    for text in (to_html(report), html_of(run, f"--text {EVIL}")):
        assert EVIL not in text
        assert "<img" not in text
        tags = Page(text).tags
        assert not {tag for tag, _ in tags} & {"img", "iframe", "link", "object", "base"}
        assert not any(name.startswith("on") for _, attrs in tags for name in attrs)


def test_every_tag_is_closed_and_every_id_is_there_once(run, broken):
    for found in (run, broken):
        page = page_of(found)
        assert page.open == []
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        links = [href for href in page.values("href") if href.startswith("#")]
        assert len(links) > 8
        assert set(links) <= {f"#{name}" for name in ids}


def test_nothing_is_fetched_and_only_https_is_a_link(run):
    page = page_of(run)
    assert page.values("src") == []
    away = [attrs for tag, attrs in page.tags if not attrs.get("href", "#").startswith("#")]
    assert [attrs["href"] for attrs in away] == ["https://a.b/c?d"]
    assert all("noreferrer" in attrs["rel"] for attrs in away)
    assert "http://in.the.clear/" in "".join(page.text)
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_a_link_ends_where_html_begins():
    assert str(link('https://a.b/"><b>')) == (
        '<a href="https://a.b/" rel="noopener noreferrer">https://a.b/</a>&#34;&gt;&lt;b&gt;'
    )
    assert str(link("javascript:alert(1) \x1b[31m")) == r"javascript:alert(1) \x1b[31m"


def test_a_run_without_any_result_says_so(empty):
    text = html_of(empty)
    assert "There is nothing to show." in text
    assert "incomplete (0 of the 2 backends" in text
    assert Page(text).open == []


def test_cells_say_how_they_ended_without_colours(run):
    text = "".join(page_of(run).text)
    assert "inf X" in text
    assert "- ~" in text
    assert "3.0" in text


def test_numbers_that_are_not_finite_have_a_place(run):
    odd = [
        Result(r.backend, "forward", "unit", "float64", "fail", float("nan"), "why", float("nan"))
        for r in run.results[:1]
    ]
    text = html_of(dataclasses.replace(run, results=(*run.results, *odd)))
    assert "inf X" in text
    assert Page(text).open == []


def test_one_mistake_is_explained_once(broken):
    text = html_of(broken)
    main = text.partition("<main")[2]
    assert re.search(r'<td class="cell s-fail number"><a href="#backend-2">[^<]* X</a>', main)
    section = main.partition('id="backend-2"')[2].partition("</section>")[0]
    assert main.count("as if the gates were packed f, i, g, o") == 1
    assert "It behaves exactly as if the gates were packed f, i, g, o." in section
    first = r"y\[0, (\d), (\d)\] \(layer 0, step 0, h, sequence \1, unit \2\): found"
    assert re.search(first, section)
    assert (
        "gateparity check --backend numpy --backend broken:Swapped "
        "--check forward --case sequence --seed 0" in section
    )
    assert "largest error of each unit at each step" in section
    assert "<polyline" in section
    failing = section.partition("<tbody>")[2].partition("</tbody>")[0]
    assert failing.count("<tr>") == 3  # forward, gates and gradients; layout passes
    assert re.search(r"<td class=\"number\">\d\.\de[+-]\d\d</td>", failing)


def test_every_number_has_its_command(broken):
    below = html_of(broken, "--text 'a b'").partition('id="numbers"')[2]
    for check in ("forward", "gates", "gradients", "layout"):
        command = f"gateparity check --backend numpy:scratch --check {check} --text"
        assert below.count(command) == 2


def test_a_verbs_own_lines_and_blocks_are_in_it(run):
    more = [Section("Twins", [Table(("a",), [["one"]])]), Section("None", [Table(("b",), [])])]
    text = to_html(run_report(run, Source(), lead=[line("n1")], more=more))
    assert "Twins" in text
    assert "n1" in text.partition("<main")[0]
    assert ">None<" not in text


def test_a_file_of_somebody_elses_is_kept(tmp_path):
    path = tmp_path / "a.html"
    path.write_text("old")
    with pytest.raises(InputError, match=r"a\.html would replace a file that is no HTML \(run\)"):
        ReportFiles("run", reports=[path])
    ReportFiles("run", reports=[path], force=True)
    with pytest.raises(InputError, match="there is no folder"):
        ReportFiles("run", reports=[tmp_path / "no" / "a.html"])
    with pytest.raises(InputError, match="--report and --markdown name one file"):
        ReportFiles("run", reports=[path], markdown=path, force=True)
    with pytest.raises(InputError, match="--report and --report name one file"):
        ReportFiles("run", reports=[path, path], force=True)


@pytest.mark.parametrize(("name", "found"), [("a.pdf", "'.pdf'"), ("report", "no ending")])
def test_an_unknown_ending_is_refused_with_those_that_exist(tmp_path, name, found):
    with pytest.raises(InputError, match=f"{name}: found {found}, expected .html or .md$"):
        ReportFiles("run", reports=[tmp_path / name])


def test_a_page_stays_small_whatever_fails(broken):
    copies = [dataclasses.replace(MINE, name=f"mine{k}") for k in range(40)]
    bad = [result for result in broken.results if result.status == "fail"]
    more = [dataclasses.replace(result, backend=backend) for backend in copies for result in bad]
    run = dataclasses.replace(
        broken, backends=(*broken.backends, *copies), results=(*broken.results, *more)
    )
    text = html_of(run)
    assert len(text) < 2e6
    assert 16 <= text.count('class="heat"') <= 16 * 4


def test_no_page_has_a_surrogate(tmp_path, run):
    backends = dataclasses.replace(run, versions={run.backends[0].label: "\udcff"})
    write_text(tmp_path / "a.html", html_of(backends))
    assert r"\udcff" in (tmp_path / "a.html").read_text("utf-8")


def test_the_command_replaces_its_own_page_and_keeps_another(tmp_path):
    backends = ("-b", "numpy", "-b", f"numpy@{sys.executable}")
    work = ("check", *backends, "--check", "forward", "--case", "unit")
    files = ("--json", "a.json", "--report", "a.html")
    done = run_command(*work, *files, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    done = run_command(*work, *files, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "a.html").write_text("<!doctype html>\n<p>mine</p>")
    done = run_command(*work, *files, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a.html would replace a file that is no HTML (run)" in done.stderr
    done = run_command(*work, *files, "--force", cwd=tmp_path)
    assert done.stderr == ""
    assert "<h1>agrees</h1>" in (tmp_path / "a.html").read_text()
