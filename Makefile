# Everything runs in virtual environments in this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY  := $(VENV)/.ready
DEMO   := $(VENV)/.demo
FLOOR  := .venv-floor
BENCH  := .venv-bench
TOOLS  := .venv-tools
CHECK_PYTHON := 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 10) else "Python 3.10 or newer is needed, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
# In the order in which a newcomer should read them.
EXAMPLES := quickstart chain structured_output images agent mcp_agent deep_agent drawing_agent
EXAMPLES += rag credits long_jobs scaling
DIST   := .venv-dist
AUDIT  := .venv-audit
LEADERBOARD := bfcl-eval==2026.3.23
# `make demo-llm` runs these examples with one model of each family.
FAMILIES     := gpt-4o claude-4.5-sonnet gemini-2.5-flash
LLM_EXAMPLES := quickstart rag agent
# The lower bound of every run-time dependency, as pyproject.toml states it.
FLOORS := langchain-core==1.6.0 requests==2.33.0 urllib3==2.8.0 aiohttp==3.14.3
FLOORS += pydantic==2.9.2 pydantic-core==2.23.4 typing-extensions==4.14.0
# Later releases of pytest warn about the anyio that goes with that typing-extensions.
FLOORS += pytest==9.0.3
# Both drivers, TLS and connecting: they depend most on other systems, and on defaults of old releases.
DRIVERS := tests/integration/test_drivers.py tests/integration/test_tls_and_proxies.py
DRIVERS += tests/faults/test_connecting.py

.PHONY: help demo demo-chat demo-ray demo-llm test soak test-browser test-llm test-live live check docs faults notebook \
  format lint types pyright test-floor test-elsewhere audit bench bench-scale bench-tools \
  dist clean
help:
	@echo "make demo        run the examples, in half a minute (live if SEGMIND_API_KEY is set)"
	@echo "make demo-chat   serve the web chat of examples/chat_server.py on port 8000"
	@echo "make demo-ray    run the example for Ray (installs 500 MB)"
	@echo "make demo-llm    run examples with your own model: SERVER=http://localhost:11434/v1 MODEL=..."
	@echo "make test        run all tests, in about ten minutes on 2 cores"
	@echo "make test-browser  try the page of the web chat in Chromium, which must be installed"
	@echo "make soak        make 20,000 mixed calls, and check that the process does not grow (2 minutes)"
	@echo "make test-llm    run tests with your own model: SERVER=http://localhost:11434/v1 MODEL=..."
	@echo "make test-live   test the live gateway (needs SEGMIND_API_KEY; costs about 1 cent)"
	@echo "make live        check what is unknown about the live gateway (at most 0.05 USD)"
	@echo "make check       check format, lint and types, and run all tests, as CI does"
	@echo "make docs        build the documentation site in site/, and check all links"
	@echo "make test-floor  run unit, driver, TLS and fault tests with the lowest supported dependencies"
	@echo "make test-elsewhere  run unit, driver and TLS tests with the newest dependencies, on any system"
	@echo "make audit       look for known vulnerabilities in the dependencies (asks PyPI)"
	@echo "make pyright     check the types of the public API with pyright (installs node: 250 MB)"
	@echo "make faults      write docs/faults.md: how chat models handle each fault (10 minutes)"
	@echo "make notebook    execute docs/chat_segmind.ipynb and store its outputs"
	@echo "make bench       benchmark this and other chat models; QUICK=1: only check that it runs"
	@echo "make bench-scale write the tables of docs/scaling.md: up to 100,000 prompts (ten minutes); QUICK=1: only check"
	@echo "make bench-tools compare emulated tool calls with a server's own: SERVER=http://localhost:11434/v1 MODEL=..."
	@echo "make dist        build and check the wheel and the sdist, and run the quickstart from the wheel"
	@echo "make format      format the code"
	@echo "make clean       remove the virtual environments and caches"

$(READY): pyproject.toml
	@$(PYTHON) -c $(CHECK_PYTHON)
	@echo "Setting up $(VENV) (once, one or two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(DEMO) $(READY)

# A part of what $(READY) installs, in the same folder. pip would compile all modules, for a third of its time; Python
# compiles those that are imported, and keeps them.
$(DEMO): pyproject.toml
	@$(PYTHON) -c $(CHECK_PYTHON)
	@echo "Installing what the examples need into $(VENV): once, for about a minute, 600 MB ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[examples]'
	@touch $(DEMO)

demo: export PYTHONDONTWRITEBYTECODE :=
demo: $(DEMO)
	@where="a local gateway, for half a minute: no model runs, and nothing is billed"; \
	if [ -n "$$SEGMIND_API_KEY" ]; then where="live models, for some minutes and some cents"; fi; \
	echo "Running $(words $(EXAMPLES)) examples and the tests of another one on $$where."
	@for example in $(EXAMPLES); do \
	  echo; echo "##### examples/$$example.py"; \
	  $(BIN)/python examples/$$example.py || exit 1; \
	done
	@echo; echo "##### examples/testing.py"
	@$(BIN)/python -m pytest -c /dev/null -p no:cacheprovider examples/testing.py -v --no-header
	@echo; echo "There is more: make demo-chat is a chat in the browser, make demo-ray runs on Ray."

demo-chat: $(DEMO)
	@$(BIN)/python examples/chat_server.py

demo-ray: $(DEMO)
	@echo "Installing Ray into $(VENV), unless it is there: 500 MB ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[scale]'
	@$(BIN)/python examples/batch_on_ray.py

# SERVER and MODEL: an OpenAI-compatible server and one of its models. Without them, it says how to get one.
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

test-browser: $(READY)
	$(BIN)/python -m pytest tests/integration/test_chat_page.py

# One arena: with many, the allocator keeps some memory for each thread that ever ran.
soak: $(READY)
	@MALLOC_ARENA_MAX=1 $(BIN)/python -m langchain_segmind.testing --credits 1000 -- $(BIN)/python -m tests.soak

test-llm: $(READY)
	SERVER='$(SERVER)' MODEL='$(MODEL)' $(BIN)/python -m pytest tests/llm

test-live: $(READY)
	SEGMIND_LIVE=1 $(BIN)/python -m pytest -m live tests/integration/test_promises.py

# Rehearse this and `test-live` on a local gateway: $(BIN)/python -m langchain_segmind.testing -- make live PAUSE=0
live: $(READY)
	@$(BIN)/python -m tests.live.check

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

docs: $(VENV)/.docs
	@$(BIN)/python -m tests.release.site

$(VENV)/.docs: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

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
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 10) <= v < (3, 14) else "The lower bounds have wheels for Python 3.10 to 3.13 only, this is %d.%d: make PYTHON=python3.12 test-floor" % v[:2])'
	@echo "Setting up $(FLOOR) (once, about a minute) ..."
	@$(PYTHON) -m venv $(FLOOR)
	@$(FLOOR)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[floor]' $(FLOORS)
	@touch $@

test-floor: $(FLOOR)/.ready
	$(FLOOR)/bin/python -m pytest -n auto tests/unit tests/faults $(filter-out tests/faults/%,$(DRIVERS))

test-elsewhere: $(READY)
	$(BIN)/python -m pytest -n auto tests/unit tests/integration/test_lifecycle.py $(DRIVERS)

# The lower bounds, and the newest versions that pip finds.
audit: $(AUDIT)/.ready
	@printf '%s\n' $(FLOORS) > $(AUDIT)/floors.txt
	$(AUDIT)/bin/pip-audit --disable-pip --no-deps --requirement $(AUDIT)/floors.txt
	$(AUDIT)/bin/pip-audit .

$(AUDIT)/.ready: pyproject.toml
	@echo "Setting up $(AUDIT) (once, half a minute) ..."
	@$(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.10,<3'
	@touch $@

ifdef QUICK
bench: $(READY)
	$(BIN)/python -m benchmarks --quick

bench-scale: $(READY)
	$(BIN)/python -m benchmarks.scale --quick
else
bench: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks

bench-scale: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks.scale
endif

$(BENCH)/.ready: pyproject.toml
	@echo "Setting up $(BENCH) (once, about a minute) ..."
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

# SERVER and MODEL as for demo-llm; AGENTS=1 adds small jobs for an agent.
PER_CATEGORY ?= 25
bench-tools: $(TOOLS)/.ready
	@$(TOOLS)/bin/python -m benchmarks.tool_calling '$(SERVER)' '$(MODEL)' \
	  --per-category $(PER_CATEGORY) $(if $(filter-out 0,$(AGENTS)),--agents)

# bfcl-eval without its dependencies, the clients of many vendors: its data and its checker need none.
$(TOOLS)/.ready: pyproject.toml
	@echo "Setting up $(TOOLS) (once, about a minute) ..."
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[tools]'
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps $(LEADERBOARD)
	@touch $@

dist: $(DIST)/.ready
	@$(DIST)/bin/python -m tests.release.dist

$(DIST)/.ready: pyproject.toml
	@echo "Setting up $(DIST) (once, half a minute) ..."
	@$(PYTHON) -m venv $(DIST)
	@$(DIST)/bin/python -m pip install --quiet --disable-pip-version-check 'build>=1.3,<2' 'twine>=6.2,<8'
	@touch $@

clean:
	rm -rf $(VENV) $(FLOOR) $(BENCH) $(TOOLS) $(DIST) $(AUDIT) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis site
