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
BIN := .venv/bin
SETUP := .venv/installed
DOCS_SETUP := .venv/installed-docs
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --no-header

.DEFAULT_GOAL := help
.PHONY: help demo test check hooks audit ui materialize backfill status sql tensorboard docs screenshots lock sample clean-runs clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(SETUP)  ## Set up, materialize the bundled Sample, show what came out
	@$(BIN)/ncf-assets materialize Sample
	@$(BIN)/ncf-assets summary Sample

test: check $(DOCS_SETUP)  ## All checks and tests (slow ones included)
	$(BIN)/pytest -m "not slow" --numprocesses 4 --dist loadfile
	$(BIN)/pytest -m slow --numprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(SETUP)  ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

hooks: $(SETUP)  ## Let git hold each commit to those checks
	$(BIN)/pre-commit install

audit: $(SETUP)  ## Look the locked packages up in the database of known weaknesses (wants the network)
	$(BIN)/uv tool run pip-audit==$(PIP_AUDIT) --requirement requirements.lock \
		--require-hashes --disable-pip --strict

ui: $(SETUP)  ## The Dagster UI with its daemon on 127.0.0.1 (PORT=3000 HOST=127.0.0.1)
	DAGSTER_HOME="$$($(BIN)/ncf-assets home)" PATH="$(CURDIR)/$(BIN):$$PATH" \
		$(BIN)/dg dev --host $(HOST) --port $(PORT)

materialize: $(SETUP)  ## One dataset, no daemon (DATASET=Musical_Instruments)
	$(BIN)/ncf-assets materialize $(DATASET)

backfill: $(SETUP)  ## Several datasets as a Dagster backfill (DATASETS="A B")
	$(BIN)/ncf-assets backfill $(DATASETS)

status: $(SETUP)  ## What is materialized, and what is out of date
	$(BIN)/ncf-assets status

sql: $(SETUP)  ## A DuckDB shell on the warehouse
	@$(BIN)/ncf-assets sql

tensorboard: $(SETUP)  ## The training curves of all models on 127.0.0.1:6006 (TB_PORT=6006)
	$(BIN)/tensorboard --logdir "$${NCF_DATA_DIR:-data}/models" --host $(HOST) --port $(TB_PORT)

docs: $(DOCS_SETUP)  ## The documentation as pages in site/, to be read without a network (SITE=site)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir $(abspath $(SITE))
	@echo "$(abspath $(SITE))/index.html"

screenshots: $(SETUP)  ## The pictures in docs/images anew (wants chromium)
	$(BIN)/python -m documentation.screenshots

lock: $(SETUP)  ## Renew both lock files from pyproject.toml, the docs' first: they fit together
	$(LOCK) --group dev --group docs --upgrade pyproject.toml -o requirements-docs.lock
	$(LOCK) --group dev --upgrade pyproject.toml -c requirements-docs.lock -o requirements.lock

sample: $(SETUP)  ## Generate the bundled Sample anew
	$(BIN)/python -m ncf_assets.ingest.sample data/sample/reviews_Sample_5.json.gz

clean-runs: $(SETUP)  ## Remove old runs from Dagster's history (DAYS=30); data/ stays
	$(BIN)/ncf-assets clean-runs --older-than $(DAYS)

clean:  ## Remove the environment, the site and caches; data/ stays
	rm -rf .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
		f"Python 3.11, 3.12 or 3.13 is needed (TensorFlow has no other), found {v[0]}.{v[1]};" \
		" name one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DOCS_SETUP): $(SETUP) requirements-docs.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@
