# `make parity` and `make test` do all the set-up on a machine that has Python 3.11, make and git.
PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin

.PHONY: parity test pictures clean

parity: $(BIN)/gateparity  ## install five frameworks side by side, run the main job, show the table
	$(BIN)/gateparity env create --all
	$(BIN)/gateparity check -b numpy -b torch -b tensorflow -b jax -b mxnet

test: $(BIN)/tox  ## everything that CI runs
	$(BIN)/tox run-parallel --parallel auto  # most environments keep one core busy

pictures: $(BIN)/gateparity  ## draw those of the README and the docs, with the environments of `make parity`
	@mkdir -p build && cp docs/broken.py build
	cd build && FORCE_COLOR=1 COLUMNS=110 ../$(BIN)/gateparity check --check forward --check gates \
		--check gradients --check lengths --check layers --check values > table.txt
	cd build && ../$(BIN)/gateparity check --report report.html --force
	-cd build && ../$(BIN)/gateparity check -b numpy -b broken:Swapped --check gates --no-save \
		--report broken.html --force
	$(BIN)/python -m pip install --quiet selenium
	$(BIN)/python docs/pictures.py build/table.txt build/report.html build/broken.html

$(BIN)/gateparity: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(BIN)/tox: $(BIN)/gateparity
	$(BIN)/python -m pip install --quiet "tox>=4.20"
	@touch $@

clean:  ## remove what both made here; `gateparity env list` shows what is elsewhere
	rm -rf .venv .tox build *.egg-info
