# Everything runs in virtual environments beside this file; nothing else is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
FLOOR  := .venv-floor
BENCH  := .venv-bench
# The lower bound of every run-time dependency, as pyproject.toml states it.
FLOORS := langchain-core==1.6.0 requests==2.32.0 aiohttp==3.10.0 pydantic==2.7.4
# Later releases of langchain-core's own dependency do not work with that pydantic.
FLOORS += langsmith==0.4.0

.PHONY: help demo test check faults format lint types test-floor bench clean
help:
	@echo "make demo        set up and run all examples (live with SEGMIND_API_KEY)"
	@echo "make test        set up and run all tests"
	@echo "make check       format, lint, types and tests: what CI runs"
	@echo "make test-floor  unit tests with every dependency at its lower bound"
	@echo "make faults      what chat models make of every fault: writes docs/faults.md (10 minutes)"
	@echo "make bench       measure us and our peers; QUICK=1 only sees that it runs"
	@echo "make format      rewrite the code as the formatter has it"
	@echo "make clean       remove the virtual environments and caches"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 10) else "Python 3.10 or newer is needed, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
	@echo "Setting up $(VENV) (once, one or two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY)
	@$(BIN)/python examples/quickstart.py
	@$(BIN)/python examples/agent.py
	@$(BIN)/python examples/long_jobs.py
	@$(BIN)/python examples/rag.py

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

faults: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[faults]'
	$(BIN)/python -m tests.faults.report > $(VENV)/faults.md
	@mv $(VENV)/faults.md docs/faults.md

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

$(FLOOR)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 10) <= v < (3, 13) else "The lower bounds have wheels for Python 3.10 to 3.12 only, this is %d.%d: make PYTHON=python3.12 test-floor" % v[:2])'
	@echo "Setting up $(FLOOR) (once, about a minute) ..."
	@$(PYTHON) -m venv $(FLOOR)
	@$(FLOOR)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[floor]' $(FLOORS)
	@touch $@

test-floor: $(FLOOR)/.ready
	$(FLOOR)/bin/python -m pytest tests/unit

ifdef QUICK
bench: $(READY)
	$(BIN)/python -m benchmarks --quick
else
bench: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks
endif

$(BENCH)/.ready: pyproject.toml
	@echo "Setting up $(BENCH) (once, about a minute) ..."
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) $(FLOOR) $(BENCH) .mypy_cache .ruff_cache .pytest_cache .hypothesis
