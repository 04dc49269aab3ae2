# Ticktape. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?=
BIN := .venv/bin
ARGS ?=
TIMES ?= 3
PYTEST := $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder

# Without compiled modules each process compiles its imports again, which triples its start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run sql setup browser oracles node test test-fast test-loaded test-long check format bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(BIN)/.run ## run the whole system on this machine (ARGS="--source replay --file F --symbols A")
	@exec $(BIN)/python -m local $(ARGS)

sql: export TICKTAPE_SQL = $(value SQL)
sql: $(BIN)/.run ## query the running system with Athena's SQL (SQL="SELECT ...", ARGS="--format csv")
	@if [ -n "$$TICKTAPE_SQL" ]; then $(BIN)/python -m local sql "$$TICKTAPE_SQL" $(ARGS); \
	else $(BIN)/python -m local sql $(ARGS); fi

setup: ## make .venv with everything pinned, and install what the tests need, if possible
	@$(MAKE) --no-print-directory --silent -j 3 $(BIN)/.dev browser oracles node

browser:
	@tools/browser.sh

oracles: browser $(BIN)/.dev
	@tools/oracles.sh

node:
	@tools/node.sh

test: setup ## run every test but the long ones
	@$(PYTEST) -n 5 -m "not long" $(ARGS)

test-fast: $(BIN)/.dev ## run unit tests and quick oracles, after a small change: about a minute
	@$(PYTEST) -n 2 -m "not long and not heavy" tests/unit tests/oracles $(ARGS)

test-loaded: setup ## run `make test` TIMES=3 times beside four processes that keep the processor busy
	@$(BIN)/python -m tools.loaded $(TIMES) $(PYTEST) -n 3 -m "not long" $(ARGS)

test-long: setup ## run the same suites at full length
	@$(PYTEST) -n 2 --hypothesis-profile=explore $(ARGS)

check: setup ## check format, lint, types, imports and security; changes nothing
	@tools/check.sh

format: setup ## format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@tools/page_form.sh --write

bench: setup ## run the benchmarks: tables on screen, JSON in bench/results
	@$(BIN)/python -m bench $(ARGS)

clean: ## remove build products, but keep the data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results

$(BIN)/.run: requirements.txt requirements/run.txt tools/venv.sh
	@tools/venv.sh requirements/run.txt $@

$(BIN)/.dev: requirements.txt requirements/dev.txt tools/venv.sh
	@tools/venv.sh requirements/dev.txt $@
	@touch $(BIN)/.run

-include infra/deploy.mk
