"""An LSTM whose gates are packed f, i, g, o where PyTorch has i, f, g, o, for a picture."""

import dataclasses

from gateparity.backends.numpy.scratch import Scratch
from gateparity.layouts import D2L


class Swapped(Scratch):
    """The book's LSTM with a layout that swaps two gates."""

    layout = dataclasses.replace(D2L, gates=("f", "i", "c", "o"))
