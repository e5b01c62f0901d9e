# Shopkeeper: every task is a make target; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python that is new enough; override with `make PYTHON=/path/to/python3.12 ...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
RUN := $(BIN)/shopkeeper
FILES ?=
FAMILY ?=
FORMAT ?= table
OUTPUT ?=
BENCH_HOME ?= var/bench
CLIENTS := tests/clients
# One BLAS thread: LightGBM and implicit bring their own; more only makes them wait for each other.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 2

.PHONY: help setup dev clients demo simulate ingest train train-% evaluate publish rollback retrain serve churn-list forecast \
	status mlflow test test-slow check format bench lock clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z%-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.core ## install the packages that running needs into .venv

dev: $(VENV)/.dev ## install the packages that testing and checking need, too

$(VENV)/.tools: requirements-build.lock
	@test -n "$(PYTHON)" || { echo "Shopkeeper needs Python 3.11 or later; none was found. Install one, or say make PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@touch $@

$(VENV)/.core: $(VENV)/.tools requirements.lock pyproject.toml
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -c "import lightgbm" || { echo "LightGBM needs the OpenMP library; on Debian and Ubuntu: apt-get install libgomp1"; exit 1; }
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

clients: $(CLIENTS)/node_modules/.package-lock.json ## install the real SDKs of Node.js and browsers that the tests use

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json
	@command -v npm >/dev/null && cd $(CLIENTS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || \
		echo "The SDKs for Node.js and browsers could not be installed; their tests are skipped. They need npm and Node.js 20."

demo: setup ## simulate a store, train, publish, serve; DEMO_SERVE=no ends before serving
	$(RUN) demo

simulate: setup ## write a simulated store's events below SHOPKEEPER_HOME
	$(RUN) simulate

ingest: setup ## ingest FILES="a.jsonl b.jsonl.gz"; without FILES, the events that the service accepted
	$(RUN) ingest $(FILES)

train: setup ## backtest and train every family; keep the results as candidates
	$(RUN) train

train-%: setup ## train one family: recommend, churn, value, next_order, segments, uplift, demand, inventory, trends
	$(RUN) train $*

evaluate: setup ## backtest the families against their baselines; keep nothing
	$(RUN) evaluate $(FAMILY)

publish: setup ## publish the candidates that passed their gates as one bundle
	$(RUN) publish

rollback: setup ## make the previous version current again
	$(RUN) rollback

retrain: setup ## ingest, train and publish
	$(RUN) retrain

serve: setup ## start the HTTP service
	$(RUN) serve

churn-list: setup ## the customers most at risk; FORMAT=csv, parquet, klaviyo or mailchimp, OUTPUT=file
	@$(RUN) customers --at-risk --format $(FORMAT) $(if $(OUTPUT),--output $(OUTPUT))

forecast: setup ## what to order today; ITEM=... for one item's forecast, BY=total, category or channel for sums
	@$(RUN) forecast $(ITEM) $(if $(BY),--by $(BY))

status: setup ## what is served, trained, stored and waiting, and what is wrong
	@$(RUN) status

mlflow: setup ## open MLflow's pages on loopback, port 5000
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-mlflow.lock
	$(RUN) mlflow

test: dev clients ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadscope $(TESTS)

test-slow: dev ## run the tests that `make test` leaves out for their time
	$(BIN)/python -m pytest -n 2 --dist loadscope -m slow

check: dev ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## measure speed and memory of the whole pipeline, on simulated events
	$(BIN)/python -m benchmarks.pipeline --events 1000000 --home $(BENCH_HOME)

lock: dev ## update the lock files
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header requirements-build.in -o requirements-build.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml -o requirements.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml --extra mlflow-ui -c requirements.lock -o requirements-mlflow.lock

clean: ## remove the environment and caches; SHOPKEEPER_HOME is kept
	rm -rf $(VENV) $(CLIENTS)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
