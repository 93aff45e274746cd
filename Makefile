# Two commands: `make corpus` (the sample, end to end) and `make test`. Nothing else is needed but Python 3.11-3.13.
PYTHON ?= $(firstword $(foreach v,python3.11 python3.12 python3.13 python3,$(if $(shell $(v) -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo ok),$(v))))
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The lock files are complete, so there is nothing to resolve: what stands in them is installed, and nothing else.
LOCKED := install --no-deps --require-hashes -r

.PHONY: corpus test lint bench clean

corpus: $(VENV)/.run
	$(BIN)/seimai run manifests/quickstart.toml

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -q

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m filters.catalogue --check
	$(BIN)/python -m stages.catalogue --check
	$(BIN)/python -m pipeline.manifest --check

bench: $(VENV)/.test
	for bench in acquire extraction charset language filters judge minhash dedup dedup_truth dedup_scale dedup_against wikitext sources release scheduler cluster; do $(BIN)/python -m tests.bench.$$bench || exit 1; done

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11, 3.12 or 3.13 with venv is needed (on Debian: apt install python3 python3-venv); or name one: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) $(LOCKED) requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.run
	$(PIP) $(LOCKED) requirements-test.lock
	touch $@

clean:
	rm -rf build $(VENV)
