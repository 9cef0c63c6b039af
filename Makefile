# `make parity` and `make test` do all the set-up on a machine that has Python 3.11, make and git.
PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin

.PHONY: parity test picture clean

parity: $(BIN)/gateparity  ## install five frameworks side by side, run the main job, show the table
	$(BIN)/gateparity env create --all
	$(BIN)/gateparity check -b numpy -b torch -b tensorflow -b jax -b mxnet

test: $(BIN)/tox  ## everything that CI runs
	$(BIN)/tox run

picture: $(BIN)/gateparity  ## draw docs/report.png, with the environments of `make parity` and Chromium
	@mkdir -p build
	$(BIN)/gateparity check -b numpy -b torch -b tensorflow -b jax -b mxnet --report build/report.html --force
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1440,1080 \
		--screenshot=docs/report.png "file://$(CURDIR)/build/report.html"

$(BIN)/gateparity: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(BIN)/tox: $(BIN)/gateparity
	$(BIN)/python -m pip install --quiet "tox>=4.20"
	@touch $@

clean:  ## remove what both made here; `gateparity env list` shows what is elsewhere
	rm -rf .venv .tox build *.egg-info
