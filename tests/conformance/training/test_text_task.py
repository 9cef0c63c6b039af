"""A text as a lesson: the same batches and weights for everyone, and texts that are none."""

from __future__ import annotations

import http.server
import threading

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.problems.text import encode_text
from gateparity.conformance.training.corpus import choose_text, download_text
from gateparity.conformance.training.text_task import LONGER, Sizes, TextTask, make_recipe
from gateparity.conformance.training.trainers import AdapterTrainer
from gateparity.errors import InputError

WORDS = "abcdefghij klmnopqrst uvwxyz " * 4
SIZES = Sizes(hidden=4, steps=6, windows=50, batch=16)


def task(text=WORDS, sizes=SIZES, seed=0):
    return TextTask(encode_text(text, "a text"), sizes, make_recipe(4.0, "tied"), seed)


def test_labels_are_the_next_characters():
    for batch in task().batches(1):
        np.testing.assert_array_equal(batch.x[1:], batch.target[:-1])


def test_an_epoch_has_every_window_once_in_another_order():
    one = task()
    first, second = (np.concatenate([b.x.T for b in one.batches(k)]) for k in (1, 2))
    windows = np.lib.stride_tricks.sliding_window_view(one.text.codes, 6)[:50]
    assert sorted(map(tuple, first)) == sorted(map(tuple, second)) == sorted(map(tuple, windows))
    assert not np.array_equal(first, second)
    assert [b.x.shape[1] for b in one.batches(1)] == [16, 16, 16, 2]


def test_a_seed_draws_weights_that_every_dtype_shares():
    (single,), head = task().weights("float32")
    (double,), _ = task().weights("float64")
    np.testing.assert_array_equal(single.w_hh, double.w_hh)
    assert single.w_hh.std() == pytest.approx(0.01, rel=0.3)
    assert not single.b_ih.any()
    assert not head["b_q"].any()
    (other,), _ = task(seed=1).weights("float32")
    assert not np.array_equal(other.w_ih, single.w_ih)


def test_a_sentence_is_the_likeliest_symbol_each_time():
    one, trainer = task("it has " * 40), AdapterTrainer(Scratch())
    config = one.config("float32")
    state = trainer.begin(config, *one.weights("float32"), one.recipe)
    for epoch in range(1, 61):
        state = trainer.train(config, state, one.batches(epoch), one.recipe).state
    sentence, margin = one.generate(trainer, "float32", state)
    assert sentence == "it has it has it has it has"[: 6 + LONGER]
    assert margin > 0.1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abcab", "a text has 5 letters and spaces, expected at least 7"),
        ("a" * 99, "a text is of one symbol, 'a': expected two or more"),
        ("a" * 99 + "\n", "a text is of one symbol, 'a': expected two or more"),
        ("123", "a text has no letters"),
    ],
)
def test_a_text_that_is_no_lesson_is_refused_in_one_line(text, words):
    with pytest.raises(InputError, match=words):
        task(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "is empty"), (b"it has \xff", "is not UTF-8"), (None, "can't be read")],
)
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path, data, words):
    path = tmp_path / "text.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=rf"text\.txt {words}"):
        choose_text(path, download=False)


def test_a_rate_that_float32_does_not_hold_is_refused():
    with pytest.raises(InputError, match=r"rate is 0\.1, expected a number"):
        make_recipe(0.1, "tied")


def test_the_environment_names_a_text(tmp_path, monkeypatch):
    path = tmp_path / "mine.txt"
    path.write_text("abc abd")
    monkeypatch.setenv("GATEPARITY_TEXT", str(path))
    assert choose_text(None, download=False).where == str(path)
    monkeypatch.delenv("GATEPARITY_TEXT")
    assert choose_text(None, download=False).where == "pydoc_data.topics"


@pytest.fixture
def server(tmp_path):
    """An address that serves a file, and how often it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path != "/text":
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"the time machine")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}", asked
        httpd.shutdown()
        thread.join()


def test_a_download_is_checked_and_kept(server, tmp_path):
    import hashlib

    url, asked = server
    sha1 = hashlib.sha1(b"the time machine").hexdigest()
    path = download_text(f"{url}/text", sha1, tmp_path / "cache")
    assert path.read_bytes() == b"the time machine"
    assert download_text(f"{url}/text", sha1, tmp_path / "cache") == path
    assert asked == ["/text"]
    path.write_bytes(b"the time mach")
    assert download_text(f"{url}/text", sha1, tmp_path / "cache").read_bytes()[-3:] == b"ine"


def test_a_download_of_another_sha1_is_not_kept(server, tmp_path):
    url, _ = server
    with pytest.raises(InputError, match=r"has SHA-1 [0-9a-f]{40}, expected 0+: it isn't kept"):
        download_text(f"{url}/text", "0" * 40, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_address_that_does_not_answer_is_one_line(server, tmp_path):
    url, _ = server
    with pytest.raises(InputError, match=r"can't be fetched \(Not Found\): .* --text"):
        download_text(f"{url}/gone", "0" * 40, tmp_path)
