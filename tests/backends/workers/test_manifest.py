"""What a worker tells of its machine: what arithmetic depends on, and nothing personal."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import types
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from gateparity.backends.workers import manifest
from gateparity.backends.workers.manifest import FLAGS, read_manifest
from gateparity.backends.workers.remote import Worker
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.backends.workers.worker import describe
from gateparity.layouts import D2L

X86 = """processor\t: 0
model name\t: AMD EPYC 9B14
flags\t\t: fpu sse sse2 fma avx avx2 ht avx512f

processor\t: 1
model name\t: AMD EPYC 9B14
flags\t\t: fpu sse sse2 fma avx avx2 ht avx512f
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd sve bf16 crc32\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(manifest, "_CPUINFO", path)
    return path


def test_versions_and_the_machine():
    found = read_manifest()
    assert found["python"].endswith(platform.python_version())
    assert found["numpy"] == np.__version__
    assert found["machine"] == platform.machine()
    assert found["system"].startswith(platform.system())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86, {"processor": "AMD EPYC 9B14", "instructions": "avx avx2 avx512f fma sse sse2"}),
        (ARM, {"instructions": "asimd bf16 sve"}),
        ("", {}),
        ("no colon\n\0\n:\n", {}),
    ],
)
def test_the_processor_as_far_as_it_is_known(cpuinfo, text, expected):
    cpuinfo.write_text(text)
    found = read_manifest()
    assert {k: found[k] for k in ("processor", "instructions") if k in found} == expected


def test_a_system_without_cpuinfo(cpuinfo):
    assert not cpuinfo.exists()
    assert "processor" not in read_manifest()


def test_flags_that_are_listed_and_no_other_variable(monkeypatch):
    for name in os.environ:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    monkeypatch.setenv("TF_SECRET", "abc")
    found = read_manifest()
    assert [name for name in found if name.isupper()] == ["XLA_FLAGS"]
    assert "abc" not in str(found)
    assert sorted(FLAGS) == list(FLAGS)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no variables of any bytes")
def test_a_flag_of_odd_bytes_can_be_sent(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "\udcff")
    assert read_manifest()["XLA_FLAGS"] == "?"


def test_nobody_is_named(monkeypatch):
    monkeypatch.setenv("USER", "somebody-in-particular")
    found = str(read_manifest())
    assert platform.node() not in found or len(platform.node()) < 4
    assert "somebody-in-particular" not in found
    assert str(Path.home()) not in found


def test_a_worker_tells_its_own(monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    with Worker(Path(sys.executable), 60.0) as worker:
        found = RemoteAdapter(worker, "gateparity.backends.numpy.scratch:Scratch").manifest
    assert found == {"device": "cpu"} | read_manifest()
    assert found["NVIDIA_TF32_OVERRIDE"] == "0"


class Tells:
    layout = D2L
    forward = len
    settings: ClassVar = {"threads": 3, "device": "a GPU", "python": "another"}


class Fails:
    layout = D2L
    forward = len

    @property
    def settings(self):
        raise AttributeError("this version has no such switch")


@pytest.mark.parametrize(
    ("adapter", "expected"),
    [
        (Tells(), {"threads": "3", "device": "a GPU"}),
        (Fails(), {"settings": "unknown: AttributeError: this version has no such switch"}),
        (types.SimpleNamespace(layout=D2L, forward=len), {}),
        (types.SimpleNamespace(layout=D2L, forward=len, settings=["no mapping"]), {}),
    ],
)
def test_an_adapter_tells_what_its_framework_is_set_to(adapter, expected):
    assert describe(adapter, "mine")["manifest"] == expected | read_manifest()


def test_the_blas_is_the_one_that_was_loaded():
    if "blas threads" not in read_manifest():
        pytest.skip("NumPy has no OpenBLAS here, or the system doesn't tell")
    command = "from gateparity.backends.workers.blas import read_blas; print(read_blas()['blas'])"
    found = [
        subprocess.run(
            [sys.executable, "-c", command],
            env={**os.environ, "OPENBLAS_CORETYPE": core},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for core in ("Haswell", "Prescott")
    ]
    assert found[0] != found[1]
    assert all(line.startswith("OpenBLAS ") for line in found)


def test_cores_that_a_process_may_use():
    allowed, count = map(int, read_manifest()["cores"].split(" of "))
    assert 1 <= allowed <= count == os.cpu_count()
