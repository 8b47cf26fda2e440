# One line a target. Variables may be relative or absolute:
#   STUDY  folder with study.yaml           RAW      its raw export; simulated on first use when absent
#   OUT    where the datasets go            CARRIER  csv, odm or xlsx; the first that the export holds
#   JOBS   threads of a build, processes of the tests
#   BASE and QC of diff: two files or folders; KEYS=A,B and REPORT=FILE.html, .xlsx or .json if wanted
STUDY   ?= specs/by002
NAME    := $(notdir $(patsubst %/,%,$(STUDY)))
RAW     ?= raw/$(NAME)
OUT     ?= build/$(NAME)
JOBS    ?= 2
CARRIER ?=
PYTHON  ?= python3
BIN     := .venv/bin
READY   := .venv/.ready
MILL    := $(BIN)/trialmill
GOALS   := $(filter sdtm adam,$(MAKECMDGOALS))

.PHONY: sdtm adam datasets new raw check package diff lint test style bench pilot reference
sdtm adam: datasets ; @:
datasets: $(READY) ; @{ test -e "$(RAW)" || $(MILL) simulate --study "$(STUDY)" --out "$(RAW)"; } && $(MILL) build $(GOALS) --study "$(STUDY)" --raw "$(RAW)" --out "$(OUT)" --jobs $(JOBS) $(if $(CARRIER),--carrier $(CARRIER))
new: $(READY) ; $(MILL) new "$(STUDY)" --raw "$(RAW)"
raw: $(READY) ; $(MILL) simulate --study "$(STUDY)" --out "$(RAW)"
check: $(READY) ; $(MILL) check --study "$(STUDY)" --out "$(OUT)"
package: $(READY) ; $(MILL) package --study "$(STUDY)" --out "$(OUT)"
diff: $(READY) ; @test -n "$(BASE)" -a -n "$(QC)" || { echo "make diff: name two files or folders: make diff BASE=... QC=..." >&2; exit 2; } && $(MILL) compare "$(BASE)" "$(QC)" $(if $(KEYS),--keys "$(KEYS)") $(if $(REPORT),--report "$(REPORT)") $(if $(findstring file,$(origin STUDY)),,--study "$(STUDY)") $(if $(findstring file,$(origin RAW)),,--raw "$(RAW)")
lint: $(READY) ; $(MILL) lint --study "$(STUDY)"
test: $(READY) ; $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile
style: $(READY) ; $(BIN)/ruff check . && $(BIN)/mypy
bench: $(READY) ; $(BIN)/python -m benchmarks.xpt && $(BIN)/python -m benchmarks.mapping && $(BIN)/python -m benchmarks.nca && $(BIN)/python -m benchmarks.compare && $(BIN)/python -m benchmarks.check && $(BIN)/python -m benchmarks.size
pilot: $(READY) ; $(BIN)/python -m benchmarks.reproduce specs/cdiscpilot && $(BIN)/python -m benchmarks.reproduce specs/pharmaverse
reference: $(READY) ; $(MILL) reference

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(READY)
