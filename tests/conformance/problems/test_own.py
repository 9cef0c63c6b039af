"""A problem of the user's own: what its arrays may be, and what is refused, in one line."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity import Case, CellWeights, Config, InputError
from gateparity.conformance.problems.own import make_problem, read_problem
from gateparity.network.parameters import build_parameters

CONFIG = Config(3, 4, directions=2)
PARAMS = build_parameters(CONFIG, lambda _, shape: np.full(shape, 0.5, "float32"))
X = np.zeros((5, 2, 3), "float32")
Y = np.zeros((5, 2, 8), "float32")
STATE = np.zeros((2, 2, 4), "float32")


def test_all_that_is_given_goes_in():
    weight = np.arange(48, dtype="float32").reshape(16, 3)
    arrays = {"x": X, "h_0": STATE + 1, "lengths": np.array([5, 2]), "cotangent_y": Y + 1, "y": Y}
    found = make_problem(CONFIG, PARAMS, arrays | {"d_weight_ih_l0_reverse": weight})
    assert set(found.expected) == {"y", "d_w_ih of layer 0, reverse"}
    assert (found.expected["d_w_ih of layer 0, reverse"] == weight.reshape(4, 4, 3)).all()
    assert set(found.case.batch.states) == {"h"}
    assert (found.case.cotangent.states["c"] == 0).all()


def test_a_cotangent_is_drawn_where_none_is_given():
    assert np.ptp(Case.from_arrays(CONFIG, PARAMS, X).cotangent.y) > 1


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"y": Y}, "there is no array x among y"),
        ({"x": X, "h0": STATE}, r"array 'h0' is unknown \(did you mean h_0\?\)"),
        ({"x": X[..., :2]}, r"x has shape \(5, 2, 2\), expected \(5, 2, 3\)"),
        ({"x": X.astype(float)}, "x is float64, expected float32"),
        ({"x": X, "y": Y[1:]}, r"y has shape \(4, 2, 8\), expected \(5, 2, 8\)"),
        ({"x": X, "y": Y.astype("float16")}, "y is float16, expected float32"),
        ({"x": X, "d_x": X}, "d_x is expected without a cotangent"),
        ({"x": X + np.nan}, "x holds NaN or infinity in 30 of 30 elements"),
        ({"x": X, "lengths": np.array([6, 1])}, "lengths run from 1 to 6, expected 0 to 5"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(arrays, words):
    with pytest.raises(InputError, match=words):
        make_problem(CONFIG, PARAMS, arrays)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="w_hh"):
        Case.from_arrays(CONFIG, (CellWeights(PARAMS[0].w_ih, X), PARAMS[1]), X)


def test_a_file_is_read_whatever_its_kind(tmp_path):
    from safetensors.numpy import save_file

    np.savez(tmp_path / "a.npz", x=X, y=Y)
    save_file({"x": X, "y": Y}, tmp_path / "a.safetensors")
    for name in ("a.npz", "a.safetensors"):
        assert (read_problem(tmp_path / name, CONFIG, PARAMS, 0).expected["y"] == Y).all()


def test_the_same_file_is_refused_with_the_same_words(tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": X} | dict.fromkeys("qwertyuiop", Y), tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="array 'e' is unknown"):
        read_problem(tmp_path / "a.safetensors", CONFIG, PARAMS, 0)


@pytest.mark.parametrize("data", [b"hello", b"PK hello", b""])
def test_a_damaged_file_is_one_line(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.npz") as error:
        read_problem(tmp_path / "a.npz", CONFIG, PARAMS, 0)
    assert "\n" not in str(error.value)


def test_objects_in_a_file_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}]))
    with pytest.raises(InputError, match="allow_pickle"):
        read_problem(tmp_path / "a.npz", CONFIG, PARAMS, 0)
