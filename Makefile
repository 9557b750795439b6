# `make` alone lists the targets. Everything runs in .venv, which `make setup` fills with pinned packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8501
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
# Three processes for two cores, because a test with a browser waits for a third of its time. A file stays in one process,
# which keeps what its tests share. Files are taken in the order of tests/conftest.py: the longest first, so that nobody
# waits for one that started last. Python keeps what it has compiled, whatever the environment says: a run starts a hundred
# processes, which would each compile everything anew.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(-(-3 * os.cpu_count() // 2))")
PYTEST = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast check format messages bench wheel

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(DEV_STAMP) ## create .venv and install the pinned requirements of app and tests

run: $(STAMP) ## serve the app on http://localhost:8501 (PORT=..., HOST=0.0.0.0 for other machines too)
	$(BIN)/python -m inception app --host $(HOST) --port $(PORT)

test: $(DEV_STAMP) ## run every test, those in a real Chromium included
	$(PYTEST)

test-fast: $(DEV_STAMP) ## run the tests without a browser and without the slow ones
	$(PYTEST) -m "not browser and not slow"

check: $(DEV_STAMP) ## ruff format, ruff and mypy; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV_STAMP) ## let ruff format the code and fix what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The template is not kept: everything in it is in each translation.
messages: $(DEV_STAMP) ## collect the marked sentences into each inception/locale/*/LC_MESSAGES/inception.po
	$(BIN)/python -m babel.messages.frontend -q extract --mapping babel.cfg -k N_ -c Translators: \
		--add-location file --sort-by-file --width 120 --output $(VENV)/inception.pot app.py pages inception
	$(BIN)/pybabel -q update --domain inception --output-dir inception/locale --input-file $(VENV)/inception.pot \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120

bench: $(DEV_STAMP) ## measure what we claim about speed, as ratios (NAMES="anatomy pages" for some of it)
	$(BIN)/python -m bench $(NAMES)

wheel: $(DEV_STAMP) ## build the package into dist/
	$(BIN)/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt | $(VENV)/bin/python
	$(BIN)/python tools/install_torch.py requirements.txt
	$(BIN)/python -m pip install --requirement requirements.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(STAMP)
	$(BIN)/python -m pip install --requirement requirements-dev.txt
	@touch $@
