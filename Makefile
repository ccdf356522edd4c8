# The doors of the house. `make` alone says what there is. Nothing here needs the network once
# the environment is installed.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV ?= uv
# Two months: the first with all that has built up, the second with differences only (about three minutes).
FROM ?= 2017-05
TO ?= 2017-06
# Families of random programs (about two programs each) in the long tests.
FAMILIES ?= 200
# Lines that `make bench` generates for the models and the hand-written scripts.
LINES ?= 1000000

# Telemetry is off everywhere (Dagster's own switch stands in the dagster.yaml that set-up writes).
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DAGSTER_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup run test test-long ui lint format types dbt-parse definitions hygiene bench lock clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed; none was found (set PYTHON=…)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Python 3.11 is needed (the lock file is made for it); $(PYTHON) is $$($(PYTHON) -V). Set PYTHON=…" >&2; exit 1; }
	@echo "Creating the environment in $(VENV) from requirements.lock (once, about two minutes) …"
	@$(PYTHON) -m venv $(VENV)
	@# The lock holds every package: nothing is to be resolved (older pips cannot match extras to hashes).
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install -qq --no-index --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check
	@touch $@

setup: $(READY) ## the environment, the data folders and the dbt manifest
	@$(BIN)/rebates setup

run: $(READY) ## the sample company from landing files to ERP files that tie
	@$(BIN)/rebates sample-year --from $(FROM) --to $(TO)

# Files in order, not by number of tests: the few long ones (closes, builds) come first and do not wait for the end.
test: $(READY) ## the tests
	@$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

test-long: $(READY) ## all tests, also those that take minutes
	@REBATES_PROPERTY_FAMILIES=$(FAMILIES) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

ui: setup ## Dagster's pages on http://127.0.0.1:3000 (stop with Ctrl-C)
	@DAGSTER_HOME="$$($(BIN)/rebates path dagster-home)" \
	  $(BIN)/dagster dev -w workspace.yaml --host 127.0.0.1 --port $(or $(PORT),3000)

lint: $(READY) ## style of the code, hygiene of the repository
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python .ci/hygiene.py

format: $(READY) ## lay the code out
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

types: $(READY) ## types of the code
	@$(BIN)/mypy

dbt-parse: $(READY) ## the models: deprecations are errors; layers, names, keys, descriptions; portable SQL
	@$(BIN)/python -m orchestration.transform.manifest_lint
	@$(BIN)/python -m orchestration.transform.portability

definitions: setup ## whether Dagster can load the code location
	@DAGSTER_HOME="$$($(BIN)/rebates path dagster-home)" PYTHONWARNINGS=ignore \
	  $(BIN)/dagster definitions validate -w workspace.yaml --log-level warning

ifneq ($(wildcard benchmarks/__main__.py),)
bench: $(READY) ## the measured runs
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.scale --lines $(LINES)
	@$(BIN)/python -m benchmarks.validation --lines $(LINES)
	@$(BIN)/python -m benchmarks.small_files

endif
lock: ## write requirements.lock anew, keeping what is pinned (UPGRADE=1: newest versions)
	@$(UV) pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --python-version 3.11 $(if $(UPGRADE),--upgrade) \
	  --output-file requirements.lock --quiet

clean: ## remove the environment and what can be rebuilt; landing/ and ledger/ stay
	@if [ -x $(BIN)/rebates ]; then $(BIN)/rebates clean; fi
	@rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find orchestration tests -name __pycache__ -type d -prune -exec rm -rf {} +
