"""Checkpoints that Orbax wrote come back bit for bit, through JAX's worker."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from gateparity.backends.checkpoints.asking import worker_asker
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.errors import InputError

SAVE = """
import os
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

draw = np.random.default_rng(0).standard_normal
tree = {"params": {"a": jnp.asarray(draw((3, 4)), "float32"), "b": {"half": jnp.ones(3, "float16"),
        "brain": jnp.asarray(draw(5), "bfloat16")}, "list": [np.arange(3), draw(2)]}, "step": 3}
here = os.getcwd()
checkpointer = ocp.StandardCheckpointer()
checkpointer.save(here + "/standard", tree)
checkpointer.wait_until_finished()
manager = ocp.CheckpointManager(here + "/managed")
manager.save(7, args=ocp.args.StandardSave(tree))
manager.wait_until_finished()
params = tree["params"]
np.savez("arrays.npz", **{"params/a": params["a"], "params/b/half": params["b"]["half"],
         "params/b/brain": params["b"]["brain"].astype("float32"),
         "params/list/0": params["list"][0], "params/list/1": params["list"][1]})
"""


@pytest.fixture(scope="module")
def jax_backend(find_backend):
    """JAX's scratch row."""
    return find_backend("jax")


@pytest.fixture(scope="module")
def saved(jax_backend, tmp_path_factory):
    """A folder with one tree of arrays, as Orbax saves it in two ways."""
    folder = tmp_path_factory.mktemp("orbax")
    command = [str(jax_backend.python), "-c", SAVE]
    subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return folder


@pytest.mark.parametrize("path", ["standard", "standard/_METADATA", "managed/7"])
def test_arrays_come_back_bit_for_bit(path, saved, jax_backend):
    with (
        np.load(saved / "arrays.npz") as arrays,
        open_contents(saved / path, worker_asker([jax_backend])) as contents,
    ):
        found = {name: array.load() for name, array in contents.arrays.items()}
        assert set(arrays) <= set(found)
        for name, array in arrays.items():
            wide = array.astype("float32") if array.dtype == "float16" else array
            np.testing.assert_array_equal(found[name], wide)
        assert contents.arrays["params/b/half"].dtype == "float16"
        assert contents.arrays["params/b/brain"].dtype == "bfloat16"


def test_a_checkpoint_without_its_numbers_is_refused(saved, tmp_path, jax_backend):
    shutil.copy(saved / "standard/_METADATA", tmp_path)
    with (
        pytest.raises(InputError, match="Orbax can't read it"),
        open_contents(tmp_path, worker_asker([jax_backend])),
    ):
        pass
