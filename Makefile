# The menu. Everything runs in .venv, made from the pinned requirements at the first call.
PYTHON ?= python3
CORES ?= all
CONFIG ?= config/config.yaml
BIN := .venv/bin
SNAKEMAKE = $(BIN)/snakemake --configfile $(CONFIG)
SOURCES := radar_cleaner workflow/planning tests benchmarks docs

.DEFAULT_GOAL := help
.PHONY: help demo test verify check lint format dag why touch clean

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: .venv/installed  ## real frames to a trained cleaner and clean data (10 minutes on 2 cores)
	$(SNAKEMAKE) --cores $(CORES) --quiet rules host
	@$(BIN)/radar-cleaner show-summary --results $$($(BIN)/python -c \
	  'import sys, yaml; print(yaml.safe_load(open(sys.argv[1])).get("results", "results"))' $(CONFIG))

test: .venv/installed-dev  ## the tests (12 minutes on 2 cores)
	$(BIN)/python -m pytest

verify: .venv/installed-dev  ## the tests that need longer
	$(BIN)/python -m pytest -m slow

check: lint  ## the style checks, the types and the workflow's lint
	$(BIN)/mypy
	$(BIN)/snakemake --lint

lint: .venv/installed-dev  ## ruff and snakefmt
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/snakefmt --check Snakefile workflow

format: .venv/installed-dev  ## write the code as lint wants it
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt Snakefile workflow

dag: .venv/installed  ## rule graph, file graph and DAG in dag/ (SVG; mermaid without graphviz)
	@mkdir -p dag
	@set -e; if command -v dot > /dev/null; then \
	  for graph in "rulegraph dot" filegraph "dag dot"; do \
	    $(SNAKEMAKE) --$$graph > dag/graph.dot 2> dag/log || { cat dag/log; exit 1; }; \
	    dot -Tsvg dag/graph.dot > dag/$${graph%% *}.svg; echo dag/$${graph%% *}.svg; \
	  done; \
	else \
	  for graph in rulegraph dag; do \
	    $(SNAKEMAKE) --$$graph mermaid-js > dag/$$graph.mmd 2> dag/log || { cat dag/log; exit 1; }; \
	    echo dag/$$graph.mmd; \
	  done; \
	fi; rm -f dag/log dag/graph.dot

why: .venv/installed  ## what `snakemake` would run now, and why
	@$(SNAKEMAKE) --dry-run > .why.log 2>&1 || { cat .why.log; rm -f .why.log; exit 1; }
	@awk '/^(local)?rule /{rule=$$2} /^    reason:/{sub(/^ */, ""); print rule " " substr($$0, 1, 160)} \
	  /^Nothing to be done/' .why.log; rm -f .why.log

touch: .venv/installed  ## take what exists for up to date: after an edit that changes no result
	$(SNAKEMAKE) --cores 1 --touch --quiet rules host

clean:  ## remove results and dag (frames and .venv stay)
	rm -rf results dag

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: envs/requirements.txt pyproject.toml | .venv/python
	$(BIN)/python -m pip install --quiet -r envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: envs/requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r envs/requirements-dev.txt
	@touch $@
