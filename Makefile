# All commands of the project. They run in .venv, which the first call makes from the pinned requirements.
PYTHON ?= python3
CORES ?= all
CONFIG ?= config/config.yaml
SEED ?= 0
BIN := .venv/bin
SNAKEMAKE = $(BIN)/snakemake --configfile $(CONFIG)
RESULTS = $$($(BIN)/python -c \
  'import sys, yaml; print(yaml.safe_load(open(sys.argv[1])).get("results", "results"))' $(CONFIG))
PYTEST = OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest
SOURCES := radar_cleaner tests benchmarks docs envs

.DEFAULT_GOAL := help
.PHONY: help demo bench bench-scale benchmark-quality benchmark-zoo benchmark-ablation test test-workflow verify test-slurm verify-slurm check lint format docs generate dag rulegraph run-report costs why lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: .venv/installed  ## train a cleaner on real frames, and clean them
	$(SNAKEMAKE) --cores $(CORES) --logger rich
	@$(BIN)/radar-cleaner show-summary --results $(RESULTS)

bench: .venv/installed-benchmark  ## how fast each part is, as ratios
	$(BIN)/python -m benchmarks.speed.preparation
	$(BIN)/python -m benchmarks.speed.jobs
	$(BIN)/python -m benchmarks.speed.alignment
	$(BIN)/python -m benchmarks.speed.feeding
	$(BIN)/python -m benchmarks.speed.training
	$(BIN)/python -m benchmarks.speed.cleaning

bench-scale: .venv/installed-benchmark  ## how time and memory grow with frames, their size and radars
	$(BIN)/python -m benchmarks.speed.growth $(OPTIONS)
	$(BIN)/python -m benchmarks.speed.large_archive

benchmark-quality: .venv/installed-benchmark  ## the cleaner against classical filters on the whole sample
	$(BIN)/python -m benchmarks.quality.run $(OPTIONS)

benchmark-zoo: .venv/installed-benchmark  ## the cleaners on radars that nobody tuned them for, radar by radar
	$(BIN)/python -m benchmarks.zoo $(OPTIONS)

benchmark-ablation: .venv/installed  ## trainings without each part of the cleaner, and their scores (OPTIONS=--list)
	$(BIN)/python -m benchmarks.quality.ablation $(OPTIONS)

test: .venv/installed-dev  ## the tests of the package, and the smoke config once
	$(PYTEST) --ignore tests/workflow --ignore tests/slurm --numprocesses 2 --dist worksteal

test-workflow: .venv/installed-dev  ## the tests that call Snakemake
	$(PYTEST) tests/workflow -m "workflow and not slow and not slurm" --numprocesses 2 --dist worksteal

verify: .venv/installed-dev .venv/installed-benchmark  ## the tests that need longer, and more examples of each property (SEED=: others)
	$(PYTEST) tests benchmarks/tests -m "(slow or hypothesis) and not slurm" --hypothesis-profile thorough \
	  --hypothesis-seed $(SEED) --numprocesses 2 --dist worksteal

test-slurm: .venv/installed-dev  ## the tests on a real Slurm, started on this machine (root)
	@PATH="$(CURDIR)/$(BIN):$$PATH" tests/slurm/with_slurm.sh python -m pytest -m slurm

verify-slurm: .venv/installed  ## the demo on that Slurm, and its training on two nodes
	@PATH="$(CURDIR)/$(BIN):$$PATH" tests/slurm/with_slurm.sh python tests/slurm/run_demo.py

check: lint  ## the style checks, the prose, the types, the layers of the package and the workflow's lint
	$(BIN)/python -m docs.lint_prose
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

lint: .venv/installed-dev  ## ruff and snakefmt
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/snakefmt --check Snakefile workflow

format: .venv/installed-dev  ## format the code as `make lint` checks it
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/snakefmt Snakefile workflow

docs: .venv/installed-docs  ## this documentation as a site in site/, with all links checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python -m docs.check_links

generate: .venv/installed  ## write the pages and files that are made from the code
	$(BIN)/python -m docs.write_command_line
	$(BIN)/python -m docs.write_config_reference
	$(BIN)/python -m docs.write_data_model

GRAPH = $(BIN)/snakemake $(TARGET) --configfile $(CONFIG) --snakefile workflow/Snakefile --quiet all

dag: .venv/installed  ## rule graph and DAG in dag/ as mermaid; with graphviz those and the file graph as SVG (TARGET=: of less)
	@mkdir -p dag
	@$(GRAPH) --rulegraph mermaid-js > dag/rulegraph.mmd
	@$(GRAPH) --dag mermaid-js > dag/dag.mmd
	@if command -v dot > /dev/null; then \
	  for graph in "rulegraph dot" "dag dot" filegraph; do \
	    $(GRAPH) --$$graph | dot -Tsvg -o "dag/$${graph% dot}.svg" || exit 1; done; \
	else echo "No SVG: install graphviz (apt-get, brew or conda). GitHub and many editors show a .mmd file."; fi

rulegraph: dag  ## remake the README's rule graph, after a change of the rules
	cp dag/rulegraph.svg docs/rulegraph.svg

run-report: .venv/installed  ## what a finished run made and how, in dag/run_report.html (snakemake --report)
	@mkdir -p dag
	@test -d $(RESULTS)/benchmarks || { echo "make: nothing has run yet; first: make demo, or snakemake"; exit 1; }
	$(SNAKEMAKE) --report dag/run_report.html --report-stylesheet workflow/report/narrow.css --quiet

costs: .venv/installed  ## time, memory and bytes by rule of what has run
	@test -f $(CONFIG) || { echo "make: there is no $(CONFIG)"; exit 1; }
	@$(BIN)/radar-cleaner show-costs --results $(RESULTS)

why: .venv/installed  ## what `snakemake` would run now, and why
	@$(SNAKEMAKE) --dry-run > .why.log 2>&1 || { cat .why.log; rm -f .why.log; exit 1; }
	@awk '/^(local)?rule /{rule=$$2} /^    reason:/{sub(/^ */, ""); print rule " " substr($$0, 1, 160)} \
	  /^Nothing to be done/' .why.log; rm -f .why.log

lock: .venv/installed-dev  ## remake the lock and the conda environments, after a change of envs/requirements.txt
	grep -v '^torch==' envs/requirements.txt | $(BIN)/uv pip compile --no-deps --universal --generate-hashes \
	  --no-annotate --python-version 3.11 --custom-compile-command "make lock" --native-tls \
	  --quiet --output-file envs/requirements.lock -
	$(BIN)/python envs/write_environments.py

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

.venv/installed-dev: envs/requirements-dev.txt envs/requirements-forecasts.txt .venv/installed
	$(BIN)/python -m pip install --quiet -r envs/requirements-dev.txt
	@touch $@

.venv/installed-docs: envs/requirements-docs.txt .venv/installed
	$(BIN)/python -m pip install --quiet --no-deps -r envs/requirements-docs.txt
	@touch $@

.venv/installed-benchmark: envs/requirements-benchmark.txt .venv/installed
	$(BIN)/python -m pip install --quiet --no-deps -r envs/requirements-benchmark.txt
	@touch $@
