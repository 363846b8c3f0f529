# Two commands: `make demo` (see it work) and `make test` (what CI runs). Both set up what they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint types pytest servers stubs clean help

help:
	@echo "make demo    set up, convert the bundled model, ask questions of a small shop database"
	@echo "make test    set up, then lint, types and tests"
	@echo "make servers get PostgreSQL and MariaDB for the tests, from Debian's packages"
	@echo "make stubs   make the gRPC stubs again from proto/"
	@echo "make clean   remove what the other targets made"

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not on the PATH; name it: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# pip says every minute that the build is still running.
$(VENV)/.daemon: pyproject.toml | $(BIN)/python
	@echo "== Installing the daemon into $(VENV). The first time this compiles llama.cpp: 5 to 10 minutes on 2 cores."
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[daemon]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.daemon
	@echo "== Installing the test tools into $(VENV)."
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(VENV)/.daemon
	@$(BIN)/python demo/demo.py

test: lint types pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

pytest: $(VENV)/.dev servers
	$(BIN)/pytest

# Real engines for the tests; what cannot be had is skipped there, with the reason.
servers: $(VENV)/.dev
	@$(BIN)/python tests/servers/install.py

stubs: | $(BIN)/python
	$(BIN)/python proto/generate.py

clean:
	rm -rf $(VENV) .venv-stubs .servers .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
