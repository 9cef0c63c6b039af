"""Each notebook of the built site runs in a kernel of its framework, and prints what it shows.

As many run at once as there are cores: they take as long as the lessons do in the build.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ipykernel
import nbformat
import pytest

from _extensions.execution import find_python
from _extensions.lesson import framework_names, read_parts

LESSONS = sorted((Path(__file__).parents[2] / "docs").glob("lesson-*.md"))
NOTEBOOKS = [
    (page.stem, name)
    for page in LESSONS
    for name in framework_names(read_parts(page.read_text("utf-8")))
]
# A framework's environment has no kernel. It borrows that of this environment, and nothing else.
KERNEL = """
import sys
sys.path.append({0!r})
import stack_data  # for exceptions
from ipykernel.kernelapp import IPKernelApp
app = IPKernelApp.instance()
app.initialize()
sys.path.remove({0!r})
app.start()
"""
SITE_PACKAGES = str(Path(ipykernel.__file__).parents[1])
SECONDS = 300


@pytest.fixture(scope="module")
def runs(site, request, tmp_path_factory):
    """The notebooks of the chosen tests, each running or about to, by page and framework."""
    tests = [item for item in request.session.items if item.module is request.module]
    chosen = [(test.callspec.params["page"], test.callspec.params["name"]) for test in tests]
    folder = tmp_path_factory.mktemp("jupyter")
    names = {name for _, name in NOTEBOOKS if find_python(name)[0]}
    for name in names:
        kernel = folder / "kernels" / name / "kernel.json"
        kernel.parent.mkdir(parents=True)
        words = [str(find_python(name)[0]), "-c", KERNEL.format(SITE_PACKAGES)]
        spec = {"argv": [*words, "-f", "{connection_file}"], "display_name": name}
        kernel.write_text(json.dumps({**spec, "language": "python"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):  # not the user's own
            patch.setenv(variable, str(folder / variable))
        patch.setenv("OMP_NUM_THREADS", "1")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            yield {
                (page, name): pool.submit(run, site / f"{page}-{name}.ipynb", name, folder)
                for page, name in chosen
                if name in names
            }


def run(path, kernel, folder):
    copy = Path(shutil.copy(path, folder))  # a notebook writes files where it is
    words = [f"--kernel_name={kernel}", f"--timeout={SECONDS}", "--inplace", str(copy)]
    command = [str(Path(sys.executable).with_name("jupyter-execute")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return nbformat.read(copy, as_version=4)


@pytest.mark.parametrize(("page", "name"), NOTEBOOKS, ids=list(map("-".join, NOTEBOOKS)))
def test_a_notebook_prints_in_a_kernel_what_it_shows(runs, site, page, name):
    if (page, name) not in runs and not os.environ.get("GATEPARITY_TOX"):
        pytest.skip(find_python(name)[1])
    found = runs[page, name].result()
    shown = nbformat.read(site / f"{page}-{name}.ipynb", as_version=4)
    for one, other in zip(found.cells, shown.cells, strict=True):
        if one.cell_type == "code":
            assert words(one) == words(other), one.source


@pytest.mark.parametrize(("page", "name"), NOTEBOOKS, ids=list(map("-".join, NOTEBOOKS)))
def test_a_notebook_has_no_word_about_the_tabs_of_its_page(site, page, name):
    notebook = nbformat.read(site / f"{page}-{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\btabs?\b", cell.source, re.IGNORECASE), cell.source


def words(cell):
    """What a cell shows, without spaces, and without the digits of what is measured."""
    outputs = [o for o in cell.outputs if o.get("name") != "stderr"]  # warnings
    shown = [o.get("text") or o.get("ename") or o["data"]["text/plain"] for o in outputs]
    left_out = r"\s|\d[\d.]*(?:e[-+]\d+)?" if "measured" in cell.metadata.get("tags", ()) else r"\s"
    return re.sub(left_out, "", "".join(shown))
