# The two commands of the README: `make demo` and `make test`. Both make their own virtual environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Many tests wait for processes: more of them at a time than there are processors.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1) + 1)')
# The tests start hundreds of Pythons. Where nothing compiled may be kept, each of them would compile the product anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit control-plane test-cluster bench-sandbox bench-tracker bench-engine bench-wait bench-catalogue bench-truth fuzz lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/installed  ## play two upgrades of a small shop on this machine: one is let through, one is held back
	$(BIN)/chaos-gate demo

test: $(VENV)/installed-test  ## every check that runs anywhere Python runs
	@$(MAKE) --no-print-directory -j2 lint $(VENV)/compiled
	@$(MAKE) --no-print-directory unit

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pip check

unit: $(VENV)/compiled
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

control-plane: $(VENV)/installed-test  ## build a Kubernetes for the tests from Go modules, once per machine (ten minutes)
	$(BIN)/python -m tests.control_plane.build

test-cluster: control-plane  ## the tests that need a real Kubernetes control plane
	$(BIN)/pytest -n 2 -m cluster

bench-sandbox: $(VENV)/installed-test  ## measure the sandbox: its start, its memory, its lists and its watches
	$(BIN)/python -m bench.sandbox

bench-tracker: control-plane  ## measure the gate beside a real control plane with 10,000 Deployments (a quarter of an hour)
	$(BIN)/python -m bench.tracker

bench-engine: $(VENV)/installed-test  ## measure runs beside a sandbox: alone, 50 at once, and stopped by the mode (two minutes)
	$(BIN)/python -m bench.engine

bench-wait: $(VENV)/installed-test  ## measure 1,000 jobs that wait for their verdicts at one gate (two minutes)
	$(BIN)/python -m bench.wait

fuzz: SECONDS ?= 60
fuzz: $(VENV)/installed-test  ## have atheris make up documents, and see that the loader takes them (a minute; SECONDS=…)
	@$(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=3,<4' || \
	  { echo "LEFT OUT: make fuzz: atheris cannot be installed here"; exit 3; }
	$(BIN)/python -m tests.documents.fuzzing --seconds $(SECONDS)

bench-catalogue: $(VENV)/installed-test  ## measure 1,000 subscriptions and 1,000 workflows out of git, and lint (a minute)
	$(BIN)/python -m bench.catalogue

bench-truth: REPEAT ?= 10
bench-truth: $(VENV)/installed-test  ## judge small services whose weakness is known, ten times each (twenty minutes)
	$(BIN)/python -m bench.truth --repeat $(REPEAT)

lock: $(VENV)/installed-test  ## renew requirements-test.lock from the ranges in pyproject.toml
	$(BIN)/pip install --quiet 'uv>=0.8'
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --group test --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' --output-file requirements-test.lock pyproject.toml

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "chaos-gate needs Python 3.11 or newer; $(PYTHON) is older. Name a newer one: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/bin/python pyproject.toml requirements-test.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-test.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@ $(VENV)/installed

# Once for all, while lint has the other processor; else each worker of `unit` would compile every test for itself.
# What cannot be collected is told by `unit`.
$(VENV)/compiled: $(VENV)/installed-test $(shell find gate tests -name '*.py')
	@$(BIN)/python -m compileall -q gate
	@$(BIN)/pytest --collect-only -qq -p no:randomly -p no:cacheprovider >/dev/null 2>&1 || true
	@touch $@

clean:
	rm -rf $(VENV) build dist
