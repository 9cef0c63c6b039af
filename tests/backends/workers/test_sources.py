"""Workers run on Python 3.9, so what is shipped to them holds no newer syntax."""

from __future__ import annotations

import ast

import pytest

from gateparity.backends.workers.remote import _sources


@pytest.mark.parametrize("module", _sources())
def test_a_shipped_module_is_python_3_9(module):
    file, source = _sources()[module]
    ast.parse(source, file, feature_version=(3, 9))


def test_newer_syntax_would_be_seen():
    with pytest.raises(SyntaxError):
        ast.parse("match x:\n    case 1: pass\n", feature_version=(3, 9))
