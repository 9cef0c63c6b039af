"""Workers on another machine, with a stand-in for ssh.

The stand-in is a shell script named ssh, first on PATH: it drops ssh's options and the host's name
and runs the rest in a shell of this machine, as sshd would there. What it can't show: names,
keys, networks that fail half-way. `docs/machines.md` tells what was tried against a real sshd.
"""

from __future__ import annotations

import os
import sys

import pytest

from gateparity.backends.place import Host, command, parse_host
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import Worker, WorkerLost
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.api import check
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.run import run_checks
from gateparity.errors import InputError

STAND_IN = """#!/bin/sh
echo "$@" >> "$SSH_CALLS"
while :; do
  case "$1" in
    -o|-F) shift 2;;
    -*) shift;;
    *) break;;
  esac
done
host="$1"; shift
if [ "$host" = silent ]; then
  echo "ssh: connect to host silent port 22: Connection refused" >&2
  exit 255
fi
exec sh -c "$*"
"""


@pytest.fixture
def ssh(monkeypatch, tmp_path):
    """The stand-in on PATH; its calls, a line each."""
    script = tmp_path / "bin" / "ssh"
    script.parent.mkdir()
    script.write_text(STAND_IN)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SSH_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def far(python=sys.executable, host="gpuhost"):
    return f"numpy@ssh={host}//python={python}"


def test_a_row_runs_on_the_host_and_agrees(ssh):
    run = check(["numpy", far()], checks=["forward"], cases=["unit"])
    assert run.verdict == "agrees"
    assert [backend.label for backend in run.backends] == [
        "numpy:scratch",
        f"numpy:scratch@ssh=gpuhost//python={sys.executable}",
    ]
    calls = ssh.read_text().splitlines()
    assert len(calls) == 2  # to ask what is there, and to work
    assert all("-o BatchMode=yes -o ConnectTimeout=10 gpuhost " in call for call in calls)
    [change] = run.changes
    assert change.equal == ("forward",)


def test_what_a_worker_prints_there_stays_there(ssh, tmp_path, capfd):
    """Its log is on this machine, which the host doesn't know."""
    [backend] = parse_backends([far()])
    with Worker(backend.python, 60.0, backend.path) as worker:
        assert RemoteAdapter(worker, backend.target).name == "numpy:scratch"
    assert "gateparity" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (
            Host("silent"),
            "python3 on silent doesn't start as a worker: ssh: connect to host silent",
        ),
        (
            Host("gpuhost", "/no/such/python"),
            "/no/such/python on gpuhost doesn't start as a worker",
        ),
        (Host("gpuhost", "/bin/true"), "it doesn't answer as a Python interpreter"),
    ],
)
def test_a_host_that_has_none_is_one_line(ssh, place, reason):
    with pytest.raises(WorkerLost) as caught, Worker(place, 60.0):
        pass
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_host_that_does_not_answer_costs_its_own_row(ssh):
    run = check(["numpy", far(host="silent")], checks=["forward"], cases=["unit"])
    assert {result.backend.label: result.status for result in run.results} == {
        "numpy:scratch": "pass",
        f"numpy:scratch@ssh=silent//python={sys.executable}": "error",
    }
    assert run.exit_code == 2


@pytest.mark.parametrize(("isolate", "workers"), [(False, 1), (True, 2)])
def test_variants_on_a_host_take_turns_there_unless_isolated(ssh, torch_backend, isolate, workers):
    variants = parse_backends([f"torch@ssh=gpuhost//python={torch_backend.python}"])
    plan = named_plan(["unit"], ["forward"], 0)
    run = run_checks(variants, plan, seed=0, isolate=isolate)
    assert [result.status for result in run.results] == ["pass"] * 4  # two dtypes each
    assert len(ssh.read_text().splitlines()) == 2 * workers  # to ask what is there, and to work


def test_an_interpreter_is_quoted_for_the_far_shell(ssh, tmp_path):
    python = tmp_path / "a folder; exit 7" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    [backend] = parse_backends([far(python)])
    with Worker(backend.python, 60.0) as worker:
        assert RemoteAdapter(worker, backend.target).version


def test_home_is_the_hosts():
    assert command(Host("h", "~/my env/bin/python"), "1")[-1] == "~/'my env/bin/python' -c 1"


def test_a_configuration_of_sshs_is_handed_on(tmp_path):
    file = tmp_path / "ssh_config"
    file.touch()
    host = parse_host("x", f"ssh=gpuhost//python=python3//ssh_config={file}")
    assert command(host, "1")[:3] == ["ssh", "-F", str(file)]


@pytest.mark.parametrize(
    "where",
    [
        "ssh=",
        "ssh=-oProxyCommand=touch",
        "ssh=a b",
        "ssh=h;x",
        "ssh=h//python=",
        "ssh=h//pyton=x",
        "ssh=h//env:X=1",
        "ssh=h/opt/python",
    ],
)
def test_what_is_no_host_is_refused(where):
    with pytest.raises(InputError, match=r"expected @ssh=HOST//python=PATH"):
        parse_backends([f"numpy@{where}"])


def test_a_configuration_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="there is no file /no/such"):
        parse_backends(["numpy@ssh=h//ssh_config=/no/such"])


def test_a_class_of_the_users_is_looked_for_there():
    """The import path of this machine says nothing there."""
    [backend] = parse_backends([f"mymod:Mine@ssh=h//python={sys.executable}"])
    assert backend.path == ()
    assert backend.python == Host("h", sys.executable)
