# One line a target. STUDY names the folder with study.yaml; variables may be relative or absolute.
STUDY ?= specs/by002
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: test style lint reference bench
test: $(READY) ; $(BIN)/python -m pytest
style: $(READY) ; $(BIN)/ruff check . && $(BIN)/mypy
lint: $(READY) ; $(BIN)/trialmill lint --study $(STUDY)
bench: $(READY) ; $(BIN)/python -m benchmarks.xpt
reference: $(READY) ; $(BIN)/trialmill reference

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)
