# Two commands for a fresh Debian machine with Python, apt and a Python package index:
#   make demo   the main job on a packaged example
#   make test   all checks and tests, with real engines
# `make stack` / `make unstack` start and stop the local engine, registry and channel that both may use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE ?= examples/segmentation-onnx/item.json

.PHONY: demo test check unit hostile fuzz engines stack unstack bench

demo: $(VENV)/ready
	$(BIN)/python -m tests.demo $(EXAMPLE)

test: check unit hostile fuzz engines

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/ready
	$(BIN)/python -m pytest tests/unit -q -n 2

hostile: $(VENV)/ready
	$(BIN)/python -m pytest tests/hostile -q -n 2

fuzz: $(VENV)/ready
	$(BIN)/python -m pytest tests/fuzz -q

engines: $(VENV)/ready stack
	eval "$$($(BIN)/python -m tests.stack env)" && $(BIN)/python -m pytest tests/engines -q -n 2

bench: $(VENV)/ready stack
	eval "$$($(BIN)/python -m tests.stack env)" && $(BIN)/python -m tests.benchmarks

stack: $(VENV)/ready
	$(BIN)/python -m tests.stack up

unstack:
	$(PYTHON) -m tests.stack down

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV) || (apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy python3-venv && $(PYTHON) -m venv $(VENV))
	$(BIN)/pip install -q -e '.[dev]'
	touch $@
