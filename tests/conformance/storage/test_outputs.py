"""The rule for outputs: what gateparity wrote is replaced, and nothing else without `--force`."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.conformance.storage.kinds import (
    CHECKPOINT,
    FAILURE,
    RECORDING,
    Kind,
    mark_json,
    mark_text,
    recognise,
)
from gateparity.conformance.storage.outputs import OutputFiles
from gateparity.errors import InputError
from gateparity.files import write_text

OLD = Path(__file__).parent / "written_by_0.1.0"
JSON = Kind("JSON", "run")
TEXTS = {
    Kind("Markdown", "run"): "### gateparity: agrees\n",
    Kind("HTML", "run"): "<!doctype html>\n<html></html>\n",
    Kind("HTML", "training curves"): "<html>\n</html>\n",
    Kind("JUnit XML", "run"): '<?xml version="1.0" encoding="utf-8"?>\n<testsuites />\n',
    Kind("Python", "conversion"): '"""A module."""\n',
}
FOREIGN = {
    "notes.txt": b"my notes",
    "zeros": bytes(9000),
    "other.json": b'{"schema": 1, "gateparity": "0.1.0"}',
    "page.html": b"<!doctype html>\n<html>Written by gateparity 0.1.0: HTML (run)</html>",
    "notes.md": b"### gateparity: my notes\n",
    "latin": b'{"gateparity": "\xe9", "kind": "\xff"}',
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out"


def outputs(path, kind=JSON, inputs=(), *, force=False):
    return OutputFiles([("--out", path, kind)], inputs, force=force)


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_a_text_says_its_kind_and_is_replaced_by_its_own_kind_alone(kind, path):
    outputs(path, kind).write_text("--out", TEXTS[kind])
    assert recognise(path) == kind
    outputs(path, kind).write_text("--out", TEXTS[kind])
    for other in {*TEXTS, JSON} - {kind}:
        with pytest.raises(InputError, match="gateparity wrote it as"):
            outputs(path, other)


def test_json_says_its_kind_and_is_replaced_by_its_own_kind_alone(path):
    outputs(path).write_json("--out", {"verdict": "agrees"})
    assert recognise(path) == JSON
    outputs(path).write_json("--out", {"verdict": "differs"})
    assert '"verdict": "differs"' in path.read_text()
    with pytest.raises(InputError) as refused:
        outputs(path, Kind("JSON", "benchmark"))
    assert str(refused.value) == (
        f"--out {path} would replace a file that is no JSON (benchmark): gateparity wrote it as "
        "JSON (run); choose another name, or replace it with --force"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("recording", RECORDING), ("failure", FAILURE), ("checkpoint", CHECKPOINT)],
)
def test_files_of_the_version_before_are_recognised(name, kind):
    assert recognise(OLD / f"{name}.safetensors") == kind


@pytest.mark.parametrize("name", FOREIGN)
def test_what_gateparity_did_not_write_is_kept_unless_forced(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FOREIGN[name])
    for kind in (*TEXTS, JSON, RECORDING, FAILURE, CHECKPOINT):
        with pytest.raises(InputError, match="gateparity didn't write it; choose another name, or"):
            outputs(path, kind)
    assert path.read_bytes() == FOREIGN[name]
    outputs(path, force=True).write_json("--out", {})
    assert recognise(path) == JSON


def test_weights_of_somebody_are_no_file_of_gateparitys(path):
    save_file({"weight_ih_l0": np.zeros((8, 2), "f4")}, path, {"format": "pt"})
    with pytest.raises(InputError, match=r"no safetensors \(recorded run\): gateparity didn't"):
        outputs(path, RECORDING)


def test_an_input_is_never_replaced_by_whatever_name(path, tmp_path):
    path.write_text(mark_json(JSON, {}))
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "hard").hardlink_to(path)
    for name in (path, tmp_path / "link", tmp_path / "hard", tmp_path / "x" / ".." / "out"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(InputError, match="is an input of this command, which is never"):
            outputs(name, inputs=[None, path], force=True)


def test_an_empty_file_is_free(path):
    path.touch()
    outputs(path).write_json("--out", {})
    assert recognise(path) == JSON


def test_two_outputs_are_not_one_file(path, tmp_path):
    (tmp_path / "link").symlink_to(path)
    files = [("--json", path, JSON), ("--report", tmp_path / "link", Kind("HTML", "run"))]
    with pytest.raises(InputError, match="--json and --report name one file"):
        OutputFiles(files, force=True)
    null = Path(os.devnull)
    OutputFiles([("--json", null, JSON), ("--report", null, Kind("HTML", "run"))])


def test_a_link_leads_to_the_file_that_the_rule_is_for(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    outputs(link).write_json("--out", {})  # a file that isn't there yet
    assert link.is_symlink()
    assert recognise(path) == JSON
    path.write_text("mine")
    with pytest.raises(InputError, match="gateparity didn't write it"):
        outputs(link)


def test_links_that_lead_to_each_other_are_one_line(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match="can't be written"):
        outputs(tmp_path / "a")


def test_a_file_that_came_during_the_work_is_kept(path):
    made = outputs(path)
    path.write_text("mine")
    with pytest.raises(InputError, match="gateparity didn't write it"):
        made.write_json("--out", {})
    assert path.read_text() == "mine"


def test_the_rule_reads_a_few_kilobytes_only(path):
    text = mark_json(JSON, {}).encode()
    with path.open("wb") as file:
        file.write(text)
        file.truncate(2**40)  # a hole: to read it all would take minutes
    assert recognise(path) == JSON


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_replaced_file_keeps_its_permissions(path):
    path.write_text(mark_json(JSON, {}))
    path.chmod(0o640)
    outputs(path).write_json("--out", {"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_somebody_linked_at_the_name_beside_it_is_not_written_through(path, tmp_path):
    aside = tmp_path / f".gateparity-{os.getpid()}-{threading.get_ident()}"
    (tmp_path / "victim").write_text("mine")
    aside.symlink_to(tmp_path / "victim")
    write_text(path, "text")
    assert (tmp_path / "victim").read_text() == "mine"
    assert path.read_text() == "text"


@pytest.mark.skipif(os.name == "nt", reason="named pipes")
def test_a_pipe_is_written_and_stays(path):
    os.mkfifo(path)
    seen = []
    reader = threading.Thread(target=lambda: seen.append(path.read_text()))
    reader.start()
    outputs(path).write_json("--out", {})
    reader.join(10)
    assert seen == [mark_json(JSON, {})]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_device_is_written_and_stays():
    null = Path(os.devnull)
    outputs(null).write_json("--out", {})
    assert stat.S_ISCHR(null.stat().st_mode)


WRITE = """
from pathlib import Path
from gateparity.conformance.storage.outputs import OutputFiles
from gateparity.conformance.storage.kinds import Kind
print("before")
made = OutputFiles([("--json", Path("/dev/stdout"), Kind("JSON", "run"))])
made.write_json("--json", {})
print("after")
"""


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout")
@pytest.mark.parametrize("how", ["pipe", "file", "appended"])
def test_standard_output_gets_what_is_written_there_in_its_place(how, path):
    command = [sys.executable, "-c", WRITE]
    expected = f"before\n{mark_json(JSON, {})}after\n"
    if how == "pipe":
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        path.write_text("log\n" if how == "appended" else "")
        expected = path.read_text() + expected
        with path.open("a" if how == "appended" else "w") as file:
            subprocess.run(command, stdout=file, check=True)
        text = path.read_text()
    assert text == expected
    assert Path("/dev/stdout").is_symlink()


def test_a_comment_leaves_the_first_line_where_it_must_be():
    for kind, text in TEXTS.items():
        first = text.partition("\n")[0]
        marked = mark_text(kind, text)
        assert marked.count("Written by gateparity ") == 1
        if first.startswith(("<?xml", "<!doctype")):
            assert marked.startswith(f"{first}\n<!-- ")
