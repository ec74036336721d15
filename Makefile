# `make help` lists what there is. Everything runs in .venv, which is set up when it is not there or not current.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= $(firstword $(shell command -v python3.11 python3))
BIN := .venv/bin
STAMP := .venv/.ready-$(shell cat requirements/cpu.txt requirements/install.sh pyproject.toml | sha256sum | cut -c1-16)
CODE := reasonflux tests $(wildcard benchmarks jobs/*.py)
ARGS ?=
# Figure 5's trained navigator: that of `make rounds` where it has ended, else of a single round.
TRAINED := $(if $(wildcard runs/testbed-rounds/manifest.json),rounds,round)
STUDIES := $(addprefix runs/testbed-,table2 table3 fig4 fig5-$(TRAINED))
# Where the environment forbids Python to keep what it has compiled, each process of a job compiles all that it imports, and
# an engine's two take 20 s more each to start.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup pairs rounds studies test test-unit lint format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## .venv from requirements/cpu.txt

$(STAMP):
	@requirements/install.sh "$(PYTHON)" $@

pairs: $(STAMP) ## the main job on the testbed, through `ray job submit` on a local Ray; ARGS="--set seed=1" and the like
	@$(BIN)/python jobs/submit.py -- jobs/generate_pairs.py --config jobs/configs/testbed.yaml $(ARGS)

rounds: $(STAMP) ## rounds of training on the testbed, and their learning curve
	@$(BIN)/python jobs/submit.py -- jobs/run_rounds.py --config jobs/configs/rounds/testbed.yaml $(ARGS)

studies: $(STAMP) ## tables 2 and 3, figures 4 and 5 on the testbed, and one report of all
	@for study in table2 fig4 table3; do \
	    $(BIN)/python jobs/run_study.py --config benchmarks/studies/testbed_$$study.yaml; done
	@[[ $(TRAINED) == rounds ]] || $(BIN)/python jobs/run_rounds.py --config jobs/configs/rounds/testbed_round.yaml
	@$(BIN)/python jobs/run_study.py --config benchmarks/studies/testbed_fig5.yaml \
	    --set name=testbed-fig5-$(TRAINED) --set rounds=runs/testbed-$(TRAINED)
	@$(BIN)/python -m reasonflux report $(STUDIES) --out runs/studies.html

test: $(STAMP) ## every test; ARGS="-k name" and the like
	@$(BIN)/python -m pytest tests/unit --numprocesses 2 --durations 10 $(ARGS) || [ $$? -eq 5 ] # 5: ARGS chose none here
	@$(BIN)/python -m pytest tests/integration tests/drills --durations 15 $(ARGS) || [ $$? -eq 5 ]

test-unit: $(STAMP) ## the tests of the inner loop, within a minute
	@$(BIN)/python -m pytest tests/unit --numprocesses 2 -m "not slow and not gpu" --durations 5 --quiet $(ARGS)

lint: $(STAMP) ## ruff check, ruff format, mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CODE)

format: $(STAMP) ## what ruff can mend by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(STAMP) ## requirements/cpu.txt and gpu.txt out of *.in; ARGS=--upgrade moves what is pinned
	@requirements/lock.sh "$(CURDIR)/$(BIN)/python" $(ARGS)

clean: ## all that is built or cached; runs/ stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
