# The two commands: `make demo` and `make test`. `make help` names the others.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

NODE ?= real
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
TOOLS := .cluster/bin/.ready
CRD := crds/publishbuild.dev_publishbuilds.yaml
# Helm reads nothing outside of its chart.
CHART_CRD := charts/publishbuild-operator/files/publishbuild.dev_publishbuilds.yaml

help: ## Name the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

setup: $(READY) $(TOOLS) ## Fill .venv/ and .cluster/bin/

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: needs Python 3.11 or newer as $(PYTHON); name another with make PYTHON=python3.12"; exit 1; }
	@echo "setup: Python packages into $(VENV)/ (once, about a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "make: needs Python's venv module: apt-get install python3-venv"; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(TOOLS): $(READY) hack/cluster/tools.txt
	@$(PY) -m hack.cluster tools
	@mkdir -p $(@D) && touch $@

demo: setup ## Build and submit a real Expo app through the whole chain (KEEP=1, CONTEXT=name)
	@$(PY) -m hack.demo $(if $(KEEP),--keep) $(if $(CONTEXT),--context $(CONTEXT))

test: setup ## All tests: lint, types, import rules, unit, integration, end to end
	@hack/test.sh

test-long: images ## End-to-end tests that take many minutes: the pod dies, and EAS is away, at each step (needs cluster-up)
	@$(VENV)/bin/pytest tests/e2e -q -m long

test-repeat: setup ## The integration suite in a new random order each time (RUNS=n, LOAD=1 beside busy cores, SEED=n again, WRITE=1)
	@$(PY) -m tests.repeat $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),10)) $(if $(LOAD),--load) $(if $(WRITE),--write)

check: setup ## What needs no cluster: lint, types, import rules, generated files, unit tests
	@hack/check.sh

faults: setup ## The fault suite: RUNS=50 fresh seeds, or SEED=n again (JOBS=2 at once, WRITE=1 for the document)
	@$(PY) -m tests.faults $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),3)) $(if $(JOBS),--side-by-side $(JOBS)) \
	  $(if $(JSON),--json $(JSON)) $(if $(WRITE),--write)

faults-selftest: setup ## Break the operator on purpose, and demand that the fault suite notices
	@$(PY) -m tests.faults.selftest $(if $(JOBS),--side-by-side $(JOBS)) $(if $(WRITE),--write)

generate: setup ## Make crds/, the chart's copy, and the pages of docs/ that are made from the code
	@$(VENV)/bin/publishbuild crd > $(CRD)
	@cp $(CRD) $(CHART_CRD)
	@$(PY) -m hack.docs generate

verify: setup ## Fail where a generated file is not what its source makes
	@$(VENV)/bin/publishbuild crd | diff -u $(CRD) - || { echo "make: $(CRD) is out of date: make generate"; exit 1; }
	@diff -u $(CHART_CRD) $(CRD) || { echo "make: $(CHART_CRD) is out of date: make generate"; exit 1; }
	@$(PY) -m hack.docs verify

# The theme's notice of its successor is no warning about this site; operator/decisions/0008-dependencies.md has it.
docs: setup ## Build the documentation site into .site/ (REPO_URL=https://… for links to the repository)
	@DOCS_REPO_URL=$(REPO_URL) NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@echo "docs: .site/index.html"

record-statuses: setup ## Record anew what builds look like in each state, for the GitOps tests (kwok cluster)
	@$(PY) -m tests.gitops

soak: setup ## 5,000 builds through one operator: memory and connections stay level (BUILDS=n, KEEP=1, WRITE=1)
	@$(PY) -m tests.soak --builds $(or $(BUILDS),5000) $(if $(KEEP),--keep) $(if $(WRITE),--write)

reliability: setup ## Measure take-over, silent Redis, flushall and turns (RUNS=n, ONLY=part, WRITE=1)
	@$(PY) -m tests.reliability --runs $(or $(RUNS),5) $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

pictures: setup ## Record docs/pictures/ anew, from real runs of the command on the kwok cluster
	@$(PY) -m tests.pictures

bench: setup ## Measure launches, lifecycles, latencies, restarts beside their ceilings (RUNS=n, ONLY=part, WRITE=1)
	@$(PY) -m tests.bench --runs $(or $(RUNS),3) $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

bench-scale: setup ## How the operator grows with 1,000, 10,000 and 50,000 builds; one and two operators (SIZES=a,b WRITE=1)
	@$(PY) -m tests.bench.scale $(if $(SIZES),--sizes $(SIZES)) $(if $(RUNS),--runs $(RUNS)) $(if $(WRITE),--write)

bench-peers: setup ## Launches beside those of KEDA's ScaledJob; compiles KEDA, once, in many minutes (RUNS=n, WRITE=1)
	@$(PY) -m tests.bench.peers $(if $(RUNS),--runs $(RUNS)) $(if $(WRITE),--write)

flames: setup ## Flame graphs of the operator: launches, lifecycles, restart (ONLY=part)
	@$(PY) -m tests.bench.flame $(if $(ONLY),--only $(ONLY))

cluster-up: setup ## Start the local cluster (NODE=real or kwok)
	@$(PY) -m hack.cluster up --node $(NODE)

cluster-down: setup ## Stop it and remove all that it made
	@$(PY) -m hack.cluster down

images: setup ## Build the images and load them into the local cluster's node
	@$(PY) -m hack.images build
	@archives=$$($(PY) -m hack.images list) && \
	  { [ ! -S .cluster/containerd/containerd.sock ] && echo "images: no node is up; make cluster-up, then make images loads them" \
	    || $(PY) -m hack.cluster load $$archives; }

sbom: setup ## Write a bill of materials (CycloneDX) for each image into .cluster/sbom/
	@$(PY) -m hack.images build --only operator --only runner > /dev/null
	@$(PY) -m hack.images sbom --only operator --only runner

images-reproducible: setup ## Build both images twice from nothing: are they the same to the byte?
	@$(PY) -m hack.images reproducible --only operator --only runner

format: setup ## Let ruff lay out the code
	@$(VENV)/bin/ruff format -q . && $(VENV)/bin/ruff check -q --fix .

.PHONY: help setup demo test test-long test-repeat check faults faults-selftest generate verify docs record-statuses soak reliability bench bench-scale bench-peers flames pictures cluster-up cluster-down images sbom images-reproducible format
