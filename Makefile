# `make help` lists what there is. `make check` is all that CI runs.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Which Python makes the environment; empty: the first on the PATH that is new enough.
PYTHON ?=
# More arguments for pytest, as in: make test ARGS="-x tests/probes"
ARGS ?=
# Stamps remember what the environment was made from, so that a second run starts at once.
MADE := $(VENV)/made
RUNTIME := $(MADE)/runtime
DEVELOPMENT := $(MADE)/development
SOAKING := $(MADE)/soaking
MUTATING := $(MADE)/mutating
# For how long `make soak` fuzzes each kind of probe.
FUZZ_SECONDS ?= 20
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

.PHONY: help
help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

# --- using it ---

.PHONY: install
install: $(RUNTIME) ## set up the command .venv/bin/statuspage, and start nothing

.PHONY: run
run: $(RUNTIME) ## set everything up and run the demo company
	@exec $(BIN)/statuspage demo

# --- changing it ---

.PHONY: test
test: $(DEVELOPMENT) browser servers ## set everything up and run all tests
	$(BIN)/pytest -n auto --dist loadgroup $(ARGS)

.PHONY: check
check: ## all that CI runs
	@$(MAKE) --no-print-directory fmt-check
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory imports
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory wheel-smoke

.PHONY: fmt
fmt: $(DEVELOPMENT) ## format the code and mend what the linter can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: fmt-check
fmt-check: $(DEVELOPMENT)
	$(BIN)/ruff format --check

.PHONY: lint
lint: $(DEVELOPMENT)
	$(BIN)/ruff check

.PHONY: types
types: $(DEVELOPMENT)
	$(BIN)/mypy

.PHONY: imports
imports: $(DEVELOPMENT)
	$(BIN)/lint-imports

.PHONY: wheel
wheel: $(DEVELOPMENT) ## build the wheel into dist/
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

.PHONY: wheel-smoke
wheel-smoke: wheel ## install the wheel in a fresh environment and run it
	$(BIN)/python tests/wheel_smoke.py dist

.PHONY: bench
bench: $(DEVELOPMENT) ## measure, against the yardsticks
	@.ci/servers prometheus-blackbox-exporter nginx
	$(BIN)/python -m tests.bench $(ARGS)

.PHONY: soak
soak: $(DEVELOPMENT) $(SOAKING) ## the long form of the tests that kill, overload and fuzz
	$(BIN)/pytest -n auto --dist loadgroup --soak tests/stories tests/faults tests/incidents \
		tests/probes/test_fuzz.py tests/probes/test_bounds.py tests/statuspage/test_replay.py tests/statuspage/test_api_fuzzed.py tests/statuspage/store/test_upgrade.py tests/statuspage/test_*_crashes.py tests/statuspage/test_status_webhooks.py $(ARGS)
	$(BIN)/python -m tests.rude.guided $(FUZZ_SECONDS)

.PHONY: mutants
mutants: $(DEVELOPMENT) $(MUTATING) ## break judgement in every way there is, and count what no test sees
	$(BIN)/python -m tests.mutating run $(ARGS)
	$(BIN)/python -m tests.mutants

.PHONY: screenshots
screenshots: $(DEVELOPMENT) browser ## take the pictures in docs/
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

.PHONY: cards
cards: $(DEVELOPMENT) browser ## draw the pictures that other sites show of a link
	$(BIN)/python -m tests.browser.cards templates/public

.PHONY: schema
schema: $(DEVELOPMENT) ## write the configuration's JSON Schema and its reference from the models
	$(BIN)/python -m statuspage.config.reference

.PHONY: lock
lock: $(DEVELOPMENT) ## choose the newest versions that the ranges allow, with hashes
	$(COMPILE) --upgrade --extra demo --extra postgres --output-file requirements.lock pyproject.toml
	$(COMPILE) --upgrade --all-extras --group dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

# --- what stands behind it ---

.PHONY: browser
browser:
	@.ci/browser

.PHONY: servers
servers:
	@.ci/servers

$(VENV)/bin/python:
	@PYTHON="$(PYTHON)" .ci/venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing what requirements.lock names into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --editable .
	@mkdir -p $(MADE) && touch $@

$(DEVELOPMENT): requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing what requirements-dev.lock names into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@mkdir -p $(MADE) && touch $@

$(SOAKING): pyproject.toml $(DEVELOPMENT)
	@echo "Installing what the group soak names into $(VENV) ..."
	@$(PIP) install --group soak
	@mkdir -p $(MADE) && touch $@

$(MUTATING): pyproject.toml $(DEVELOPMENT)
	@echo "Installing what the group mutants names into $(VENV) ..."
	@$(PIP) install --group mutants
	@mkdir -p $(MADE) && touch $@
