# The two commands of the README. Each sets up all that it needs: python3 (3.11 or later, with venv), git and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: demo test check clean

demo: $(STAMP)  ## set up, then show the main job on a real little repository
	@echo "== cg demo: a throw-away repository, the real program"
	@$(BIN)/cg demo

test: $(STAMP)  ## set up, then types, lint and all tests
	@echo "== ruff and mypy --strict"
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@echo "== pytest"
	@$(BIN)/python -m pytest -n auto --dist loadfile

$(STAMP): pyproject.toml constraints.txt
	@echo "== setting up $(VENV) (once; a few minutes on a new machine)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python 3.11 or later is needed; make PYTHON=… names one"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable . --group dev
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
