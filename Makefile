# Each target does its own set-up in a virtual environment, and is quick the second time.
#   make demo    learn a space from 50 labels, write runs/demo/report.html
#   make test    the tests (under five minutes on two cores)
#   make check   lint, types, layers
#   make bench   speed beside the peers' → docs/benchmarks.md (an hour and a half, on an idle machine);
#                DATA=folder, if that has mnist/: on its images instead of random ones
#   make slow    the tests left out of `make test`: a browser, the real datasets, larger fits

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

.PHONY: demo test slow check bench clean

demo: $(VENV)/.installed
	$(BIN)/semimetric demo

test: $(VENV)/.developed
	$(BIN)/python -m pytest -n auto

slow: $(VENV)/.developed
	$(BIN)/python -m pytest -n auto -m slow

check: $(VENV)/.developed
	$(BIN)/ruff check src tests benchmarks experiments
	$(BIN)/ruff format --check src tests benchmarks experiments
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.benched
	$(BIN)/python benchmarks/run.py $(if $(DATA),--data-dir $(DATA))

clean:
	rm -rf $(VENV) runs

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "semimetric needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Setting up $(VENV) (once; a few minutes)"
	$(PIP) -e .
	touch $@

$(VENV)/.developed: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Setting up $(VENV) for development (once; a few minutes)"
	$(PIP) -e '.[dev]'
	touch $@ $(VENV)/.installed

$(VENV)/.benched: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Setting up $(VENV) for benchmarks (once; a few minutes)"
	$(PIP) -e '.[bench]'
	touch $@ $(VENV)/.installed
