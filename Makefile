# The only command surface. `make help` lists what there is.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
# What `make setup` had to bring itself is found here; absent folders do no harm.
export PATH := $(CURDIR)/.cache/node-bin:$(CURDIR)/.cache/uv-venv/bin:$(PATH)
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 1

# Whoever looks into the emulator needs some credentials; these are the ones it knows.
EMULATED := AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1

BIN := .venv/bin
PYTHON := $(BIN)/python
DATASET ?= movielens
BENCH = $(PYTHON) -m benchmarks
TIMED = sh .ci/timed $@

.PHONY: help setup demo up down status logs mails verify doctor check check-static test test-unit test-contract test-integration test-e2e test-localstack docs site site-serve tutorial client record-calls bench bench-serving bench-lookup bench-soak bench-neighbour bench-stats bench-analysis bench-import bench-profile bench-training bench-pages certify report synth format costs release rollback

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

.venv/.synced: uv.lock pyproject.toml localstack/setup.sh $(wildcard services/*/pyproject.toml lambdas/*/pyproject.toml emr_steps/*/pyproject.toml clients/*/pyproject.toml)
	@sh localstack/setup.sh && touch $@

setup: .venv/.synced ## Install everything needed, system packages included (as root; others are told the command)
	@$(PYTHON) -m localstack setup

demo: up ## From data to a concluded experiment; DATASET=movielens, cdnow or simulated
	@$(EMULATED) $(PYTHON) -m demo --dataset $(DATASET)

tutorial: setup ## Follow docs/tutorial.md to the letter: from a file of purchases to a certificate that verifies
	@$(EMULATED) $(PYTHON) -m demo.tutorial

up: setup ## Start the whole system on this machine and deploy the stacks to it; CONTAINERS=1: staging and production, in containers
	@$(PYTHON) -m localstack $(if $(filter 1,$(CONTAINERS)),up-containers,up)

.PHONY: is-set-up
is-set-up: # for what looks at what is there, and installs nothing
	@test -e .venv/.synced || { echo "nothing is set up here; make setup does it" >&2; exit 1; }

down: ## End everything that `up` started; data is kept in .local
	@if [ -e .venv/.synced ]; then $(PYTHON) -m localstack down; else echo "nothing was running"; fi

status: is-set-up ## Show every piece and how it stands in for AWS
	@$(PYTHON) -m localstack status

logs: is-set-up ## Follow the logs of all pieces
	@$(PYTHON) -m localstack logs

mails: is-set-up ## Print the mails that the local stack sent, which nobody delivers: [ADDRESS=ann@example.com]
	@$(PYTHON) -m localstack mails $(ADDRESS)

verify: is-set-up ## Compute a certificate again from the local warehouse: CERTIFICATE=file
	@env $$($(PYTHON) -m localstack environment) $(BIN)/presage experiments verify $(CERTIFICATE)

doctor: ## Say what this machine offers and lacks; changes nothing
	@if [ -e .venv/.synced ]; then $(PYTHON) -m localstack doctor; else sh localstack/setup.sh doctor; fi

# Our own controller is for the stages in containers, on whose emulator the tools then look.
OF_CONTAINERS = $(if $(filter own,$(CONTROLLER)),$(EMULATED) AWS_ENDPOINT_URL="$${AWS_ENDPOINT_URL:-$$($(PYTHON) -m localstack containers-url)}")

release: .venv/.synced ## Let a stage run a build: STAGE=staging BUILD=sha256:…, then STAGE=production
	@$(OF_CONTAINERS) $(PYTHON) -m delivery release --stage $(STAGE) $(if $(BUILD),--build $(BUILD)) $(if $(CONTROLLER),--controller $(CONTROLLER))

rollback: .venv/.synced ## Let a stage run its previous build again: STAGE=staging or production
	@$(OF_CONTAINERS) $(PYTHON) -m delivery rollback --stage $(STAGE) $(if $(CONTROLLER),--controller $(CONTROLLER))

check: check-static test-unit ## Format, lint, types, import contracts, unit tests (the Python floor of Spark steps among them)

check-static: .venv/.synced
	$(TIMED) sh -ec '$(BIN)/ruff format --check --quiet .; $(BIN)/ruff check --quiet .; $(BIN)/mypy; $(BIN)/lint-imports'

test-unit: .venv/.synced
	$(TIMED) $(BIN)/pytest tests/unit -q -n 2 --dist loadscope

test-contract: setup
	$(TIMED) $(BIN)/pytest tests/contract -q -n 2 --dist loadscope

# Containers need root: whoever tests as root on Debian tests them too.
test-integration: setup
	@if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then $(PYTHON) -m localstack setup-containers; fi
	$(TIMED) $(BIN)/pytest tests/integration -q -n 2 --durations=15

test: test-unit test-contract test-integration test-e2e ## All tests: unit, contract, integration, end to end

test-e2e: setup ## The main job through public interfaces only, on the whole local stack; the pages by a browser
	@$(PYTHON) -m localstack setup-browser
	$(EMULATED) $(TIMED) $(BIN)/pytest tests/e2e -q --durations=10

test-localstack: setup ## The suites that the genuine LocalStack can answer (needs Python 3.13)
	$(PYTHON) -m localstack.genuine

docs: .venv/.synced ## Write the generated parts of docs/infrastructure.md from the templates
	@$(PYTHON) -m tests.fixtures.infrastructure_docs

client: .venv/.synced ## Write the generated modules of the Python client from the OpenAPI documents (docs/adr/0045)
	@cd clients/python && ../../$(PYTHON) -m presage_client_generator

site: .venv/.synced ## Build the documentation as a site in .local/site; broken links end it
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet && echo "the site is in .local/site"

site-serve: .venv/.synced ## Show the documentation on http://127.0.0.1:8000 while it is written
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

record-calls: up ## Run the journeys and add the AWS calls that they made to the reviewed record (docs/adr/0009)
	-$(EMULATED) $(BIN)/pytest tests/e2e -q --durations=10
	$(PYTHON) -m tests.contract.wiring.recorded_calls

certify: setup ## Prove by simulation that experiments err as seldom as they say; RUNS=2000 (docs/adr/0021)
	@$(BIN)/presage experiments certify $(if $(RUNS),--runs $(RUNS))

bench: bench-serving bench-lookup bench-stats bench-analysis bench-import bench-profile bench-training bench-pages bench-neighbour bench-soak ## All benchmarks, each beside its peers (docs/benchmarks.md)

bench-serving: setup ## Predictions over HTTP beside mlflow, BentoML, FastAPI and Flask; PEERS=fastapi,flask ROUNDS=1 for a short run
	@$(BENCH) serving $(if $(PEERS),--peers $(PEERS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

bench-lookup: setup ## Feature look-up beside Feast; ROUNDS=1 for a short run
	@$(BENCH) lookup $(if $(ROUNDS),--rounds $(ROUNDS))

bench-stats: setup ## The statistics of one look at an experiment beside gbstats; ROUNDS=1 for a short run
	@$(BENCH) stats $(if $(ROUNDS),--rounds $(ROUNDS))

bench-pages: setup ## The dashboard's pages with 1,000 datasets, 200 models and 20,000 jobs; PREDICTIONS=1000000 logs them in the emulator, too
	@$(BENCH) pages $(if $(PREDICTIONS),--predictions $(PREDICTIONS))

bench-soak: setup ## Ten minutes (MINUTES=10) at 70 % of capacity, then the cost curve
	@$(BENCH) soak $(if $(MINUTES),--minutes $(MINUTES))
	@$(BENCH) curve $(if $(ENTITIES),--most-entities $(ENTITIES))

bench-neighbour: setup ## One key at 20 times its limit beside another; PLAN=standard for a noisier one
	@$(BENCH) neighbour $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PLAN),--plan $(PLAN))

bench-analysis: setup ## One look of 1 M assignments and 5 M outcomes on PostgreSQL, incremental and full; ASSIGNMENTS=100000 for a short run
	@$(BENCH) analysis $(if $(ASSIGNMENTS),--assignments $(ASSIGNMENTS))

bench-import: setup ## An import of 1 M and of 5 M events from an Amplitude that fails, by a worker that is killed twice; EVENTS=200000 for a short run
	@$(BENCH) amplitude $(if $(EVENTS),--events $(EVENTS))

bench-training: setup ## Training sets of 1 M labels from three sets of 1 M rows beside Feast, a Spark union and DuckDB; ROWS=100000 for a short run, CURVE=1 up to 10 M
	@$(BENCH) training $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ROWS),--rows $(ROWS)) $(if $(filter 1,$(CURVE)),--curve)

bench-profile: setup ## The profile of 10 M rows of 20 columns beside polars, DuckDB and the profilers; ROWS=1000000 ROUNDS=1 for a short run
	@$(BENCH) profile $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS))

report: setup ## Models of the demo's data beside baselines, implicit and LightGBM: docs/models.md
	@$(BENCH) models

synth: setup ## Synthesise the templates of local, staging and production into cdk.out
	@$(PYTHON) -m localstack synth

costs: synth ## Estimate the monthly cost of staging and production from their templates (docs/costs.md)
	$(PYTHON) -m costs cdk.out

format: .venv/.synced ## Format the sources and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
