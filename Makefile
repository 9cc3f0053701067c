# Targets for the registry's three users. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
WORKSPACE ?= workspace
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation
RUN := WORKSPACE="$(WORKSPACE)" $(BIN)/registry

.PHONY: help study ingest new-hospital quality analyse test check wheel wheel-test docs bench nightly mutation lock clean

help:  ## this list
	@echo "The HCC registry. Targets:"
	@awk -F ':.*## *' '/^[a-z-]+:.*##/ { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Everything a study owns lies in WORKSPACE (now: $(WORKSPACE)). First time here: make study"

study: $(RUNTIME)  ## the synthetic example study, all steps, in example/
	@$(BIN)/registry study

ingest: $(RUNTIME)  ## HOSPITAL=x [EXTRACT=path] [CHECK=yes] [ACCEPT=yes]: read, validate and load one delivery
	@$(RUN) ingest "$(HOSPITAL)" $(if $(EXTRACT),--extract "$(EXTRACT)") $(if $(filter yes,$(CHECK)),--check) $(if $(filter yes,$(ACCEPT)),--accept)

new-hospital: $(RUNTIME)  ## HOSPITAL=x EXTRACT=path: propose a mapping and write the worksheet of what to decide
	@$(RUN) new-hospital "$(HOSPITAL)" $(if $(EXTRACT),--extract "$(EXTRACT)")

quality: $(RUNTIME)  ## [HOSPITAL=x]: data-quality pages and query workbooks
	@$(RUN) quality $(if $(HOSPITAL),--hospital "$(HOSPITAL)")

analyse: $(RUNTIME)  ## [STUDY=x]: the matched comparison: results, figures, report
	@$(RUN) analyse $(if $(STUDY),--study "$(STUDY)")

test: $(DEV)  ## all tests (those of the browser skip where no Chromium is)
	@$(BIN)/pytest -n 2 --dist loadfile -q

nightly: $(DEV)  ## definitions and rules against their plain-Python oracles, 10,000 generated hospitals a test
	@HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -q -n 2 --dist loadfile tests/oracle

check: $(DEV)  ## lint, format and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

wheel: $(RUNTIME)  ## dist/: the registry as one file, to be installed elsewhere
	@rm -rf build dist
	@$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps -w dist .

wheel-test: wheel $(DEV)  ## the wheel in an empty environment: its study is that of the checkout (about 3 minutes)
	@$(BIN)/pytest -q tests/wheel/wheel_study.py

docs: $(DEV)  ## data dictionary, rule catalogue and page of the results table, from the code
	@$(BIN)/registry docs

bench: $(DEV)  ## performance, as ratios against a peer
	@$(BIN)/pytest -q -s tests/bench/*.py

mutation: $(DEV)  ## [ONLY=part of a module's name]: how many small changes of schemas/ the tests notice (about 20 minutes)
	@PYTHONPATH=tests $(BIN)/python -m mutation.run $(ONLY)

lock: $(DEV)  ## resolve the dependencies again and write their hashes
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --group build -o requirements-build.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:  ## remove the environment and the example (never the workspace)
	rm -rf .venv example

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv

# Nothing is fetched whose hash is not written down: what a package is built with (ours, and the one that comes as source) is
# installed first, since pip would fetch it unhashed for an isolated build.
$(RUNTIME): requirements-build.txt requirements.txt pyproject.toml | .venv/bin/python
	@echo "Setting up (once, a minute or two) ..."
	@$(PIP_INSTALL) --require-hashes -r requirements-build.txt
	@$(PIP_INSTALL) --require-hashes -r requirements.txt
	@$(PIP_INSTALL) --no-deps -e .
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@
