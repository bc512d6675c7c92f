# Everything that a person does with the project. `make` alone lists it.

PYTHON ?= python3
DATASET ?= Sample
DATASETS ?= Sample
PORT ?= 3000
TB_PORT ?= 6006
HOST ?= 127.0.0.1
DAYS ?= 30
SITE ?= site
PIP_AUDIT ?= 2.10.1
# pytest-xdist's: processes that test at a time, and how tests are dealt out to them
WORKERS ?= 3
DIST ?= loadfile
# once `make demo CPU=1` has asked for it, TensorFlow without its parts for graphics cards
CPU ?= $(wildcard .venv/cpu)
BIN := .venv/bin
# what has been installed: what the pipeline runs on; the tools of checks and tests; those of docs/
RUN := .venv/installed
DEV := .venv/installed-dev
DOCS := .venv/installed-docs
# prints the data folder, as `ncf-assets` finds it
DATA_DIR := from ncf_assets.cli import arguments as a; a.load_env_file(); print(a.data_dir())
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# bytecode at once: imports would take the time later, and each time where Python may write none
UV := $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python
LOCK := $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help demo ui materialize backfill status sql tensorboard test test-quick test-all check hooks audit docs screenshots lock sample prune-runs clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN)  ## Set up, materialize the bundled Sample, show what came out (CPU=1: a smaller TensorFlow)
	@$(BIN)/ncf-assets materialize Sample --seeds 1
	@$(BIN)/ncf-assets show Sample
	@echo "to find ncf-assets: source $(BIN)/activate"

ui: $(RUN)  ## The Dagster UI with its daemon on 127.0.0.1 (PORT=3000 HOST=127.0.0.1)
	@$(BIN)/ncf-assets ui --host $(HOST) --port $(PORT)

materialize: $(RUN)  ## One dataset, no daemon (DATASET=Musical_Instruments)
	$(BIN)/ncf-assets materialize $(DATASET)

backfill: $(RUN)  ## Several datasets as a Dagster backfill (DATASETS="A B")
	$(BIN)/ncf-assets backfill $(DATASETS)

status: $(RUN)  ## What is materialized, and what is out of date
	@$(BIN)/ncf-assets status || test $$? -eq 3  # 3: something is out of date

sql: $(RUN)  ## A DuckDB shell on the warehouse
	@$(BIN)/ncf-assets sql

tensorboard: $(RUN)  ## The training curves of all models on 127.0.0.1:6006 (TB_PORT=6006)
	data="$$($(BIN)/python -c "$(DATA_DIR)")" && $(BIN)/tensorboard --logdir "$$data/models" --host $(HOST) --port $(TB_PORT)

test: check $(DOCS)  ## What a commit must pass: checks, and all tests but the longest (WORKERS=3)
	$(BIN)/pytest -m "not acceptance" --numprocesses $(WORKERS) --dist $(DIST)

test-quick: $(DOCS)  ## The tests that start no process and no service
	$(BIN)/pytest -m "not process and not service and not acceptance" --numprocesses 2 --dist $(DIST)

test-all: check $(DOCS)  ## What a release must pass: checks and all tests (WORKERS=3)
	$(BIN)/pytest --numprocesses $(WORKERS) --dist $(DIST)

check: $(DEV)  ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

hooks: $(DEV)  ## Let git hold each commit to those checks
	$(BIN)/pre-commit install

audit: $(RUN)  ## Look the locked packages up in the database of known weaknesses (wants the network)
	for lock in requirements.lock requirements-dev.lock requirements-docs.lock; do \
		$(BIN)/uv tool run --system-certs pip-audit==$(PIP_AUDIT) --requirement $$lock \
			--require-hashes --disable-pip --strict || exit; done

docs: $(DOCS)  ## The documentation as pages in site/, to be read without a network (SITE=site)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir "$(SITE)"
	@echo "$(SITE)/index.html"

screenshots: $(DEV)  ## The pictures in docs/images anew (wants chromium)
	$(BIN)/python -m docs_build.screenshots

# The first resolution finds versions that fit together; each lock keeps those of what it needs.
lock: $(RUN)  ## Renew the lock files from pyproject.toml
	$(LOCK) --upgrade --extra ui --extra shell --extra mlflow --extra postgres --extra store \
		--group install --group dev --group docs pyproject.toml -o .venv/all.lock
	for lock in requirements.lock requirements-dev.lock requirements-docs.lock; do \
		cp .venv/all.lock $$lock || exit; done
	$(LOCK) --extra ui --extra shell --group install pyproject.toml -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group docs -c requirements.lock -c requirements-dev.lock -o requirements-docs.lock
	sed -n 's/^tensorflow==\([^ ;]*\).*/tensorflow-cpu==\1/p' requirements.lock \
		| $(LOCK) --no-deps --no-annotate - -o requirements-cpu.lock

sample: $(RUN)  ## Generate the bundled Sample anew
	$(BIN)/python -m ncf_assets.ingest.sample data/sample/reviews_Sample_5.json.gz

prune-runs: $(RUN)  ## Remove old runs from Dagster's history (DAYS=30); data/ stays
	$(BIN)/ncf-assets prune-runs --older-than $(DAYS)

clean:  ## Remove the environment, the site and caches; data/ stays
	rm -rf .venv site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# $(call install,LOCK): with uv, which knows nothing of pip's configuration, or else with pip
define install
@$(UV) --require-hashes -r $(1) || \
	{ echo "uv could not install $(1); pip tries, which takes longer" >&2; $(PIP) --require-hashes -r $(1); }
endef

# An environment holds the path of the folder that it was made in: in a copied or renamed one it runs
# the code of the first. So it is made again there.
ifneq ($(wildcard .venv),)
ifneq ($(shell cat .venv/location 2>/dev/null),$(CURDIR))
$(RUN): .venv/moved
endif
endif
.PHONY: .venv/moved
.venv/moved:
	@echo ".venv was made in another folder ($$(cat .venv/location 2>/dev/null || echo unknown)); it is made again here"
	@rm -rf .venv

$(RUN): requirements.lock requirements-cpu.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
		f"Python 3.11, 3.12 or 3.13 is needed (TensorFlow has no other), found {v[0]}.{v[1]};" \
		" name one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "$(CURDIR)" > .venv/location
	@echo "installing into .venv, which takes a minute or two"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock && $(PIP) --require-hashes -r .venv/uv.lock
ifeq ($(CPU),)
	$(call install,requirements.lock)
else
	@touch .venv/cpu
	@sed '/^tensorflow==/,/[^\\]$$/d' requirements.lock | cat - requirements-cpu.lock > .venv/cpu.lock
	$(call install,.venv/cpu.lock)
endif
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch $@

$(DOCS): $(DEV) requirements-docs.lock
	$(call install,requirements-docs.lock)
	@touch $@
