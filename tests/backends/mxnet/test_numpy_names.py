"""The names that NumPy took away: back for MXNet, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import warnings
warnings.simplefilter("error")
import numpy as np
before = np.sum
from gateparity.backends.mxnet.numpy_names import restore_numpy_names
restore_numpy_names()
assert np.bool is not None and np.sum is before
assert np.float is float and np.object is object and np.PINF == np.inf and np.NZERO == 0
assert np.product([2, 3]) == 6 and np.alltrue([1, 1]) and np.in1d([1], [1]).all()
assert np.msort([2, 1]).tolist() == [1, 2] and np.trapz([1, 1]) == 1
try:
    np.npv(1, [1])
except NotImplementedError:
    print("fine")
"""


def test_what_is_gone_is_back_and_the_rest_is_untouched():
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)
    assert done.stdout == "fine\n", done.stderr


def test_importing_gateparity_changes_nothing():
    code = "import numpy, gateparity.backends.spec; print(hasattr(numpy, 'alltrue'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
