# Everything runs in virtual environments beside this file; nothing else is touched.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
FLOOR  := .venv-floor
BENCH  := .venv-bench
# In the order in which they are best read.
EXAMPLES := quickstart chain structured_output images agent rag credits long_jobs scaling batch_on_ray
DIST   := .venv-dist
# One model of each family, and what is shown on it.
FAMILIES     := gpt-4o claude-4.5-sonnet gemini-2.5-flash
LLM_EXAMPLES := quickstart rag agent
# The lower bound of every run-time dependency, as pyproject.toml states it.
FLOORS := langchain-core==1.6.0 requests==2.32.4 urllib3==2.8.0 aiohttp==3.12.14
FLOORS += pydantic==2.7.4 pydantic-core==2.18.4 typing-extensions==4.13.0
# Later releases of langsmith do not work with that pydantic, and later ones of pytest warn of the
# anyio that goes with that typing-extensions.
FLOORS += langsmith==0.4.0 pytest==9.0.3
# What depends most on the defaults of old releases: whom we connect to, and how.
FLOOR_FAULTS := tests/integration/test_tls_and_proxies.py tests/faults/test_connecting.py

.PHONY: help demo demo-llm test test-llm test-live live check faults notebook format lint types \
  pyright test-floor bench dist clean
help:
	@echo "make demo        set up and run the examples (live with SEGMIND_API_KEY)"
	@echo "make demo-llm    the same with a model of yours: SERVER=http://localhost:11434/v1 MODEL=..."
	@echo "make test        set up and run all tests: 9,100, in seven minutes on two cores"
	@echo "make test-llm    test with a model of yours: SERVER=http://localhost:11434/v1 MODEL=..."
	@echo "make test-live   test the main promises on the live gateway (SEGMIND_API_KEY; about a cent)"
	@echo "make live        ask the live gateway what is not known yet (at most 0.05 USD)"
	@echo "make check       format, lint, types and tests: what CI runs"
	@echo "make test-floor  tests of units, TLS and connecting with every dependency at its lower bound"
	@echo "make pyright     the types of the public API as pyright sees them (installs node: 250 MB)"
	@echo "make faults      what chat models make of every fault: writes docs/faults.md (10 minutes)"
	@echo "make notebook    execute docs/chat_segmind.ipynb and store its outputs"
	@echo "make bench       measure us and our peers; QUICK=1 only sees that it runs"
	@echo "make dist        build wheel and sdist, check them, run the quickstart from the wheel"
	@echo "make format      rewrite the code as the formatter has it"
	@echo "make clean       remove the virtual environments and caches"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 10) else "Python 3.10 or newer is needed, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
	@echo "Setting up $(VENV) (once, one or two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

demo: $(READY)
	@for example in $(EXAMPLES); do \
	  echo; echo "##### examples/$$example.py"; \
	  $(BIN)/python examples/$$example.py || exit 1; \
	done
	@echo; echo "##### examples/testing.py"
	@$(BIN)/python -m pytest examples/testing.py -v --no-header

# SERVER and MODEL: an OpenAI-compatible server and one of its models; without, this says how to get one.
demo-llm: $(READY)
	@$(BIN)/python -m tests.llm.server '$(SERVER)' '$(MODEL)'
	@for model in $(FAMILIES); do for example in $(LLM_EXAMPLES); do \
	  echo; echo "##### $$example on $$model"; \
	  SEGMIND_MODEL=$$model CALLS=3 $(BIN)/python -m langchain_segmind.testing \
	    --upstream '$(SERVER)' --upstream-model '$(MODEL)' -- \
	    $(BIN)/python examples/$$example.py || exit 1; \
	done; done

test: $(READY)
	$(BIN)/python -m pytest -n auto

test-llm: $(READY)
	SERVER='$(SERVER)' MODEL='$(MODEL)' $(BIN)/python -m pytest tests/llm

test-live: $(READY)
	SEGMIND_LIVE=1 $(BIN)/python -m pytest -m live tests/integration/test_promises.py

# Both can be tried on a local gateway: $(BIN)/python -m langchain_segmind.testing -- make live PAUSE=0
live: $(READY)
	@$(BIN)/python -m tests.live.check

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

faults: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[faults]'
	$(BIN)/python -m tests.faults.report > $(VENV)/faults.md
	@mv $(VENV)/faults.md docs/faults.md

notebook: $(READY)
	@$(BIN)/python -m tests.integration.notebook

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

pyright: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pyright[nodejs]>=1.1.414,<2'
	$(BIN)/pyright --pythonpath $(BIN)/python tests/typing

$(FLOOR)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 10) <= v < (3, 13) else "The lower bounds have wheels for Python 3.10 to 3.12 only, this is %d.%d: make PYTHON=python3.12 test-floor" % v[:2])'
	@echo "Setting up $(FLOOR) (once, about a minute) ..."
	@$(PYTHON) -m venv $(FLOOR)
	@$(FLOOR)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[floor]' $(FLOORS)
	@touch $@

test-floor: $(FLOOR)/.ready
	$(FLOOR)/bin/python -m pytest -n auto tests/unit $(FLOOR_FAULTS)

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

dist: $(DIST)/.ready
	@$(DIST)/bin/python -m tests.release.dist

$(DIST)/.ready: pyproject.toml
	@echo "Setting up $(DIST) (once, half a minute) ..."
	@$(PYTHON) -m venv $(DIST)
	@$(DIST)/bin/python -m pip install --quiet --disable-pip-version-check 'build>=1.3,<2' 'twine>=6.2,<8'
	@touch $@

clean:
	rm -rf $(VENV) $(FLOOR) $(BENCH) $(DIST) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
