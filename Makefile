# Two commands are enough: `make run` and `make test`. Both install the pinned environment into .venv first, once.
#
#   make run [TARGET=audit] [CORES=4]    the workflow (default: everything), with all cores
#   make test                            the tests
#   make slurm-test                      the tests on a real Slurm of this machine (root, Debian's slurm-wlm)
#   make coverage                        which branches of readers and ledger the tests of the parts reach
#   make packages                        licences and known vulnerabilities of what is installed
#   make ui                              MLflow's web page over results/mlflow, on this machine only
#   make lint                            what CI checks about form
#   make docs                            the documentation as a site: site/index.html
#   make picture                         draw docs/images/dag.svg again (needs graphviz)
#   make env                             only the environment
#
# PYTHON=/path/to/python3.12 picks the interpreter; everything works without make as well, see README.md.

PYTHON ?= python3
CORES ?= all
TARGET ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
READY := .venv/.ready
DOCS := .venv/.docs

.PHONY: help run test slurm-test coverage packages ui lint docs picture env
.DEFAULT_GOAL := help

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//; p' Makefile

run: $(READY)
	$(BIN)/snakemake --cores $(CORES) $(TARGET)

test: $(READY)
	$(BIN)/python -m pytest

slurm-test: $(READY)
	$(BIN)/python -m pytest -m slurm -rs tests/slurm

coverage: $(READY)
	COVERAGE_FILE=.venv/.coverage $(BIN)/python -m coverage run -m pytest tests/unit tests/faults tests/numerics
	COVERAGE_FILE=.venv/.coverage $(BIN)/python -m coverage report --fail-under 90

packages: $(READY)
	$(BIN)/python -m tests.packages

ui: $(READY)
	$(BIN)/python -m scriptorium.track ui

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# (with --quiet, --strict sees no warnings and lets every broken link pass)
docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "documentation: site/index.html (with search: $(BIN)/python -m http.server --directory site)"

picture: $(READY)
	$(BIN)/snakemake --dag --quiet all | $(BIN)/python -m scriptorium.reporting.dag_picture docs/images/dag.svg

env: $(READY)

# The stamp is made last: a half-made .venv (interrupted, interpreter gone) is completed or made anew.
$(READY): pyproject.toml envs/constraints.txt envs/hashes.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make: Scriptorium needs Python 3.11 or newer; $(PYTHON) is" \
	    "$$("$(PYTHON)" --version 2>/dev/null || echo 'no such program')." >&2; \
	  echo "      Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || "$(PYTHON)" -m venv --clear .venv
	@echo "Installing the pinned environment into .venv (once: 3 to 10 minutes, 2 GB; see README.md for CPU-only torch)"
	$(PIP) --require-hashes --no-deps --requirement envs/hashes.txt
	$(PIP) --constraint envs/constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip check
	@echo "Checked by sha256: all but torch and what it brings along, setuptools and pip (envs/hashes.txt says why)"
	@touch $(READY)

$(DOCS): $(READY)
	$(PIP) --quiet --require-hashes --no-deps --requirement envs/hashes_docs.txt
	$(PIP) --quiet --constraint envs/constraints.txt --editable '.[docs]'
	@touch $(DOCS)
