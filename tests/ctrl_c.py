"""Ctrl-C in tests of commands that are stopped by it."""

from __future__ import annotations

import signal


def hear_ctrl_c() -> None:
    """A shell starts background jobs deaf to Ctrl-C, and a test run may be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
