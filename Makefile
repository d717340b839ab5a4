# Each command makes its own environment in .venv, once, and again when pyproject.toml changes.
# Needed on PATH: Python 3.11 or newer, git, make. Another Python: make demo PYTHON=/path/to/python

PYTHON ?=
BIN := .venv/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
PIP := $(BIN)/python $(INSTALL)
LOWEST := .venv-lowest
# Files stay together, in the order of tests/conftest.py.
TWO_PROCESSES := --numprocesses 2 --dist loadfile --no-loadscope-reorder
# Tests of what depends most on other packages, without the long ones: two minutes.
LOWEST_TESTS := tests/core tests/solvers tests/estimators/test_mlp.py \
	tests/estimators/test_mlp_peer.py tests/estimators/test_sparse_autoencoder.py \
	tests/images/test_patches.py tests/images/test_convolution.py tests/test_persistence.py \
	tests/cli/test_app.py tests/cli/test_error_messages.py

# Without bytecode on disk, which some containers ask for, each process would compile every package
# that it imports: half of the time that it takes to collect the tests.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-lowest bench ufldl docs package clean
.NOTPARALLEL:

help:
	@echo "make demo         learn features from photographs and show what they do (one to two minutes)"
	@echo "make test         lint, type check and test (three to five minutes)"
	@echo "make test-all     all tests, more combinations of the same things (a quarter of an hour)"
	@echo "make test-lowest  test with the lowest versions that pyproject.toml allows"
	@echo "make bench        measure speed beside other libraries"
	@echo "make ufldl        do the UFLDL tutorial's exercises beside its published numbers"
	@echo "make docs         build the documentation"
	@echo "make package      build the wheel and the source distribution, and try both"
	@echo "make clean        remove the environment and all that was built"

demo: .venv/.app
	@echo "Running the demo"
	@$(BIN)/striate demo

test: .venv/.dev
	@echo "Checking style (ruff)"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "To format: $(BIN)/ruff format ."; exit 1; }
	@echo "Running the tests, first some without compilation (pytest), and checking types (mypy)"
	@$(BIN)/mypy > .venv/types.txt 2>&1 & types=$$!; \
		NUMBA_DISABLE_JIT=1 $(BIN)/pytest -m interpreted tests/native && \
		$(BIN)/pytest $(TWO_PROCESSES) -m "not long"; tests=$$?; \
		wait $$types; types=$$?; cat .venv/types.txt; exit $$((tests || types))

test-all: .venv/.dev
	@echo "Running all tests, the long ones too (pytest)"
	@$(BIN)/pytest $(TWO_PROCESSES)

# Old releases warn of newer ones of what they use, such as matplotlib of pyparsing. Each environment
# has a cache of its own for compiled code, because Numba's releases replace each other's.
test-lowest: $(LOWEST)/.made
	@echo "Running tests with the lowest versions (pytest)"
	@NUMBA_CACHE_DIR=$(LOWEST)/numba $(LOWEST)/bin/pytest -p no:cacheprovider \
		-W ignore::DeprecationWarning -m "not long" $(LOWEST_TESTS)

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

package:
	@python=$$(tools/find-python $(PYTHON)) && $$python tools/check_package.py

clean:
	rm -rf .venv $(LOWEST) docs/_build docs/gallery docs/generated .mypy_cache .pytest_cache .ruff_cache
	rm -rf .hypothesis build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@python=$$(tools/find-python $(PYTHON)) || exit 1; \
	echo "Creating .venv with $$($$python --version)"; \
	$$python -m venv .venv && touch $@

# Modules are compiled when they are first imported: those that never are would take another 70 MB.
.venv/.app: pyproject.toml | .venv/.made
	@echo "Installing Striate with its command line and drawing (about 600 MB, a minute or less)"
	@$(PIP) --no-compile --editable ".[app]" && touch $@

.venv/.dev: pyproject.toml | .venv/.made
	@echo "Installing Striate with the tools for testing"
	@$(PIP) --no-compile --editable ".[dev]" && touch $@ .venv/.app

.venv/.docs: pyproject.toml | .venv/.made
	@echo "Installing Striate with the tools for documentation"
	@$(PIP) --editable ".[docs]" && touch $@ .venv/.app

# The lowest releases have wheels for these two Pythons alone.
$(LOWEST)/.made: pyproject.toml tools/lowest_requirements.py
	@python=$$(tools/find-python $(or $(PYTHON),python3.11 python3.12)) || exit 1; \
	echo "Creating $(LOWEST) with $$($$python --version) and the lowest versions"; \
	$$python -m venv --clear $(LOWEST) && \
	$$python tools/lowest_requirements.py > $(LOWEST)/constraints.txt
	@$(LOWEST)/bin/python $(INSTALL) --constraint $(LOWEST)/constraints.txt --editable ".[test]"
	@touch $@
