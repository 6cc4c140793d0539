# Two commands: `make demo` shows Jigsaw at work, `make test` proves it. Both set up what they need.
# The system's own Python first, if it is new enough and can make a venv: distributions build theirs optimised by its
# profile, version managers mostly do not, and the services are up to a tenth slower on those.
PYTHON ?= $(or $(shell for python in /usr/bin/python3 python3; do $$python -c 'import sys, ensurepip; \
	sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done),python3)
BIN := .venv/bin

.PHONY: demo test check contracts lock setup browser spark down

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Jigsaw needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "No venv module: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@echo "Installing what the lock file names (about a minute the first time) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m services.linkage.rehearsal
	@touch $@

demo: setup
	@$(BIN)/jigsaw demo $(if $(ONCE),--once)

test: setup browser
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --durations 15 --cov --cov-report=term:skip-covered

check: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

browser:
	@bash .ci/browser && bash .ci/tools

# For `jigsaw linkage load --engine spark` and its test: half a gigabyte that nothing else needs.
spark: setup
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r requirements-spark.lock
	@bash .ci/java

# After a compatible change of a contract: freeze it and commit the result.
contracts: setup
	@$(BIN)/python -m shared.contracts.freeze

# Pins every package with its hashes: for work and tests, of those the ones the image needs, and these with Spark's; no
# file names a registry.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header pyproject.toml
lock:
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(LOCK) --extra bench --extra dev --extra local --output-file requirements.lock
	@$(LOCK) --constraint requirements.lock --output-file requirements-runtime.lock
	@$(LOCK) --constraint requirements.lock --extra spark --output-file requirements-spark.lock

down:
	@$(BIN)/jigsaw down
