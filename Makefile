# Ticktape. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?=
BIN := .venv/bin
ARGS ?=

.PHONY: help run sql setup test test-long check format bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(BIN)/.run ## the whole system on this machine (ARGS="--source replay --file F --symbols A")
	@exec $(BIN)/python -m local $(ARGS)

sql: export TICKTAPE_SQL = $(value SQL)
sql: $(BIN)/.run ## a statement of Athena's SQL on the running system (SQL="SELECT ...", ARGS="--format csv")
	@if [ -n "$$TICKTAPE_SQL" ]; then $(BIN)/python -m local sql "$$TICKTAPE_SQL" $(ARGS); \
	else $(BIN)/python -m local sql $(ARGS); fi

setup: $(BIN)/.dev ## .venv with everything pinned, and a browser for the tests where it can be had
	@tools/browser.sh
	@tools/node.sh

test: setup ## every test that fits into ten minutes on two cores
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not long"

test-long: setup ## the same suites at full length
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup ## format, lint, types, imports, security lint; changes nothing
	@tools/check.sh

format: setup ## put the code into its form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: setup ## the benchmarks: tables on screen, JSON in bench/results
	@$(BIN)/python -m bench $(ARGS)

clean: ## forget what was made, but keep the data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/results

$(BIN)/.run: requirements.txt requirements/run.txt tools/venv.sh
	@tools/venv.sh requirements/run.txt $@

$(BIN)/.dev: requirements.txt requirements/dev.txt tools/venv.sh
	@tools/venv.sh requirements/dev.txt $@
	@touch $(BIN)/.run

-include infra/deploy.mk
