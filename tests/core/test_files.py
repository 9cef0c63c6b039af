"""Files are whole or not there, and what can't be written is said before any work."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateparity.errors import InputError
from gateparity.files import check_folder, check_writable, write_bytes, write_text

PROC = Path("/proc")  # takes no files, even of root
needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="there is no /proc")


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_is_written_as_utf_8(tmp_path):
    write_text(tmp_path / "run.json", "naïve \N{SNOWMAN}\n")
    assert (tmp_path / "run.json").read_bytes() == "naïve \N{SNOWMAN}\n".encode()
    assert names(tmp_path) == ["run.json"]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "run.json"
    write_text(path, "a long first text")
    write_text(path, "short")
    assert path.read_text() == "short"


def test_a_relative_path_is_of_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable(Path("run.json"))
    write_text(Path("run.json"), "here")
    assert (tmp_path / "run.json").read_text() == "here"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_others_may_read_it_if_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "run.json", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_text(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"run\.json can't be written: No space left on device$"):
        write_text(path, "new")
    assert names(tmp_path) == ["run.json"]
    assert path.read_text() == "old"


def test_an_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "run.json", "new")
    assert names(tmp_path) == []


def test_a_folder_that_is_gone_by_then(tmp_path):
    with pytest.raises(InputError, match="can't be written: No such file or directory"):
        write_text(tmp_path / "gone" / "run.json", "new")


def test_a_missing_folder_is_refused_beforehand(tmp_path):
    with pytest.raises(InputError, match=r"x\.json can't be written: there is no folder .*gone$"):
        check_writable(tmp_path / "gone" / "x.json")


def test_a_folder_in_its_place_is_refused_beforehand(tmp_path):
    with pytest.raises(InputError, match=r"can't be written: it is a folder$"):
        check_writable(tmp_path)


@needs_proc
def test_a_read_only_folder_is_refused_beforehand():
    with pytest.raises(InputError, match=r"x\.json can't be written: /proc takes no files: "):
        check_writable(PROC / "x.json")
    with pytest.raises(InputError, match="/proc can't be written to: it takes no files: "):
        check_folder(PROC)


def test_a_folder_that_can_be_made_or_is_there(tmp_path):
    check_folder(tmp_path)
    check_folder(tmp_path / "new")
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_refused_beforehand(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file can't be written to: it is a file$"):
        check_folder(tmp_path / "file")
    with pytest.raises(InputError, match="there is no folder"):
        check_folder(tmp_path / "gone" / "new")


def test_threads_write_beside_each_other(tmp_path):
    data = [bytes([k]) * 10_000 for k in range(50)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: write_bytes(tmp_path / f"{k}", data[k]), range(50)))
    assert [(tmp_path / f"{k}").read_bytes() for k in range(50)] == data
    assert len(names(tmp_path)) == 50


def test_checking_writes_nothing(tmp_path):
    check_writable(tmp_path / "x.json")
    assert names(tmp_path) == []
