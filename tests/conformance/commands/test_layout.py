"""`gateparity layout` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from tests.command import run_command


def run(folder, *arguments):
    done = run_command("layout", *arguments, cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_table_has_a_row_for_each(tmp_path):
    done = run(tmp_path, "--json", "all.json")
    assert done.returncode == 0
    _, _, *lines, _ = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(LAYOUTS)
    found = json.loads((tmp_path / "all.json").read_text())["layouts"]
    assert [layout["name"] for layout in found] == list(LAYOUTS)
    assert {layout["name"] for layout in found if not layout["verified"]} == {
        "coreml",
        "webnn",
        "burn",
    }


def test_one_in_full_has_every_array_with_its_shape(tmp_path):
    options = ("--layers", "2", "--bidirectional", "--json", "torch.json")
    done = run(tmp_path, "torch", *options)
    config = Config(5, 4, layers=2, directions=2)
    shapes = LAYOUTS["torch"].shapes(config)
    assert len(shapes) == 16
    for name, shape in shapes.items():
        [line] = [text for text in done.stdout.splitlines() if text.startswith(f"{name} ")]
        assert str(shape) in line
    assert "Not converted: weight_hr_l: it is the projection" in done.stdout
    found = json.loads((tmp_path / "torch.json").read_text())["layouts"][0]["arrays"]
    assert {name: tuple(shape) for name, shape in found.items()} == shapes


def test_a_vector_is_shown_part_by_part_and_in_its_order(tmp_path):
    done = run(tmp_path, "mxnet2", "--layers", "2", "--json", "vector.json")
    arrays = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("l")]
    assert arrays == [
        *("l0_i2h_weight", "l0_h2h_weight", "l1_i2h_weight", "l1_h2h_weight"),
        *("l0_i2h_bias", "l0_h2h_bias", "l1_i2h_bias", "l1_h2h_bias"),
    ]
    assert "end to end in rnn_param" in done.stdout
    found = json.loads((tmp_path / "vector.json").read_text())["layouts"][0]
    assert found["arrays"] == {"rnn_param": [16 * (5 + 4) + 16 * (4 + 4) + 4 * 16]}


def test_differences_are_marked_and_the_rest_is_not(tmp_path):
    done = run(tmp_path, "torch", "keras")
    marked = [line.split("  ")[0] for line in done.stdout.splitlines() if "differs" in line]
    assert marked == ["input kernel", "recurrent kernel", "biases", "bias count"]
    changed = "input kernel, recurrent kernel, biases, bias count"
    assert done.stdout.startswith(f"Names aside, torch and keras differ in: {changed}.\n")


def test_names_alone_are_no_difference(tmp_path):
    done = run(tmp_path, "torch_cell", "tinygrad")
    assert done.stdout.startswith("Names aside, torch_cell and tinygrad are equal.\n")
    assert "differs" not in done.stdout


def test_a_page_has_every_layout_in_full_and_a_picture_of_each(tmp_path):
    done = run(tmp_path, "--report", "all.html", "--report", "all.md")
    assert (done.returncode, done.stderr) == (0, "")
    page, text = ((tmp_path / name).read_text("utf-8") for name in ("all.html", "all.md"))
    assert page.count('<article class="layout">') == len(LAYOUTS)
    for name, layout in LAYOUTS.items():
        assert f'<a href="#{name}">' in page
        assert f'<section id="{name}"' in page
        assert f"<{layout.origin.source}>" in text


def test_the_page_of_one_has_its_picture(tmp_path):
    run(tmp_path, "onnx", "--report", "onnx.html")
    page = (tmp_path / "onnx.html").read_text("utf-8")
    assert "W: gates iii / iii / ooo / ooo / fff / fff / ggg / ggg" in page


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("torch", "keras", "keras has one bias: it gets the sum"),
        ("keras", "torch", "torch has two biases: the first gets all, the second zeros"),
        ("haiku", "torch", "haiku adds 1 to the forget gate at run time: it is added to"),
        ("torch", "haiku", "haiku adds 1 to the forget gate at run time: it is taken from"),
        ("torch", "keras", "not converted from torch: `weight_hr_l`: it is the projection"),
        ("tflite", "torch", "not converted from tflite: coupled gates (CIFG, i = 1 - f)"),
    ],
)
def test_what_a_conversion_loses_is_said(tmp_path, source, target, words):
    assert words in run(tmp_path, source, target).stdout


def test_the_code_that_is_printed_is_the_code_that_is_written_and_works(tmp_path):
    files = ("--code", "code.py", "--json", "pair.json", "--markdown", "pair.md")
    done = run(tmp_path, "torch", "onnx", "--bidirectional", *files)
    mark, _, code = (tmp_path / "code.py").read_text().partition("\n")
    assert mark.startswith("# Written by gateparity ")
    assert code in done.stdout
    assert code in (tmp_path / "pair.md").read_text()
    assert json.loads((tmp_path / "pair.json").read_text())["code"] == code
    config = Config(7, 3, directions=2)
    shapes = LAYOUTS["torch"].shapes(config)
    native = {n: np.random.default_rng(0).normal(size=s).astype("f4") for n, s in shapes.items()}
    np.savez(tmp_path / "native.npz", **native)
    (tmp_path / "converting.py").write_text(code)  # Python has a module code of its own
    script = "import numpy as np; from converting import convert; "
    script += "np.savez('made.npz', **convert(np.load('native.npz')))"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    made = np.load(tmp_path / "made.npz")
    expected = LAYOUTS["onnx"].pack(LAYOUTS["torch"].unpack(native, config), config)
    assert set(made) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(made[name], array)


@pytest.mark.parametrize(
    ("arguments", "expected", "absent"),
    [
        (
            ("torch", "keras", "--bidirectional"),
            "bidirectional/{direction}_lstm/lstm_cell/bias",
            "",
        ),
        (("torch", "keras:weights"), '"layers/lstm/cell/vars/2"', "lstm_cell"),
        (("keras:weights", "flax"), "OptimizedLSTMCell_0/h{gate}/bias", "rnn_0"),
        (("torch", "flax:sequential"), "layers_0/cell/h{gate}/bias", "OptimizedLSTMCell_"),
        (("torch", "onnx", "--layers", "2", "--layer", "1"), "bias_hh_l1", "bias_hh_l0"),
    ],
)
def test_code_has_the_names_of_files(tmp_path, arguments, expected, absent):
    run(tmp_path, *arguments, "--code", "code.py", "--json", "pair.json")
    code = (tmp_path / "code.py").read_text()
    assert expected in code
    assert not absent or absent not in code
    found = json.loads((tmp_path / "pair.json").read_text())["layouts"]
    assert all(layout["arrays"] for layout in found)


def test_one_layout_lists_the_names_in_files(tmp_path):
    found = run(tmp_path, "keras:weights", "--bidirectional", "--json", "keras.json").stdout
    assert "keras:h5: names in Variable.path" in found
    assert "layers/bidirectional/backward_layer/cell/vars/0 " in found
    (layout,) = json.loads((tmp_path / "keras.json").read_text())["layouts"]
    assert [files["key"] for files in layout["files"]] == ["h5", "weights"]
    assert "layers/bidirectional/forward_layer/cell/vars/2" in layout["arrays"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("keras:npz",), "keras has no names 'npz', expected one of: h5, weights"),
        (("torch:h5",), "torch has no names 'h5', expected one of: none"),
        (("torch", "onnx", "--layer", "1"), "--layers of at least 2"),
        (("torch", "--layers", "2", "--layer", "1"), "--layer 1 goes with two layouts"),
        (("mxnet2", "onnx", "--layers", "2", "--layer", "1"), "mxnet2 is one vector"),
        (("tourch",), "no layout 'tourch' (did you mean torch?), expected one of d2l, torch,"),
        (("torch", "nix"), "no layout 'nix' (did you mean nnx?)"),
        (("torch", "keras", "flax"), "found 3 layouts, expected at most two"),
        (("torch", "--code", "x.py"), "--code goes with two layouts"),
        (("--layers", "2"), "--layers, --bidirectional and --no-biases go with one layout or two"),
        (("torch", "tf1", "--layers", "2"), "tf1 holds 1 layer, found 2"),
        (("haiku", "--bidirectional"), "haiku holds 1 direction, found 2"),
        (("torch", "--json", "none/x.json"), "none"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, arguments, message):
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("gateparity: ")
    assert message in line
    assert not list(tmp_path.iterdir())


def test_help_has_examples(tmp_path):
    assert "gateparity layout torch keras" in run(tmp_path, "--help").stdout
