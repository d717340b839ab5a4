# Each command makes its own environment in .venv, once, and again when pyproject.toml changes.
# Needed on PATH: Python 3.11 or newer, git, make. Another Python: make demo PYTHON=/path/to/python

PYTHON ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test bench ufldl docs clean
.NOTPARALLEL:

help:
	@echo "make demo    learn features from photographs and show what they do (one to two minutes)"
	@echo "make test    lint, type check and test"
	@echo "make bench   measure speed beside other libraries"
	@echo "make ufldl   do the UFLDL tutorial's exercises beside its published numbers"
	@echo "make docs    build the documentation"
	@echo "make clean   remove the environment and all that was built"

demo: .venv/.app
	@echo "Running the demo"
	@$(BIN)/striate demo

test: .venv/.dev
	@echo "Checking style (ruff)"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "To format: $(BIN)/ruff format ."; exit 1; }
	@echo "Checking types (mypy)"
	@$(BIN)/mypy
	@echo "Running the tests (pytest)"
	@$(BIN)/pytest

# Some machines choose an old OpenBLAS kernel through these two variables, which halves its speed.
bench: .venv/.app
	@echo "Running the benchmarks"
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m benchmarks

ufldl: .venv/.app
	@echo "Working through the exercises; MNIST and CIFAR-10 are fetched once, where they are not there"
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python -m benchmarks.ufldl

docs: .venv/.docs
	@echo "Building the documentation; its examples are run, which takes a while"
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html
	@echo "Built: docs/_build/html/index.html"

clean:
	rm -rf .venv docs/_build docs/gallery docs/generated .mypy_cache .pytest_cache .ruff_cache
	rm -rf .hypothesis build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@python=$$(tools/find-python $(PYTHON)) || exit 1; \
	echo "Creating .venv with $$($$python --version)"; \
	$$python -m venv .venv && touch $@

.venv/.app: pyproject.toml | .venv/.made
	@echo "Installing Striate with its command line and drawing (about 200 MB, a minute or less)"
	@$(PIP) --editable ".[app]" && touch $@

.venv/.dev: pyproject.toml | .venv/.made
	@echo "Installing Striate with the tools for testing"
	@$(PIP) --editable ".[dev]" && touch $@ .venv/.app

.venv/.docs: pyproject.toml | .venv/.made
	@echo "Installing Striate with the tools for documentation"
	@$(PIP) --editable ".[docs]" && touch $@ .venv/.app
