# The two commands: `make demo` and `make test`. `make help` names the others.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A cluster of the user's own is chosen on make's command line, never by a variable that happens to be exported.
$(foreach name,CONTEXT REGISTRY,$(if $(filter environment%,$(origin $(name))),$(eval $(name) :=)))
# What would turn git to the repository of a hook that calls make, or `cd` to a folder of the same name elsewhere.
unexport CDPATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX GIT_COMMON_DIR GIT_OBJECT_DIRECTORY \
  GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_SHALLOW_FILE

NODE ?= real
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CRD := crds/publishbuild.dev_publishbuilds.yaml
# Helm reads nothing outside of its chart.
CHART_CRD := charts/publishbuild-operator/files/publishbuild.dev_publishbuilds.yaml
# Byte code is kept also where the environment says otherwise, as that of Python's images does: the tests start Python
# some hundred times.
export PYTHONDONTWRITEBYTECODE :=
# Where it is set, Python does not find the drivers, which are modules of this folder.
export PYTHONSAFEPATH :=
$(if $(filter real kwok none,$(NODE)),,$(error NODE=$(NODE): allowed are real, kwok and none))
ROOT_ON_LINUX := $(filter 0-Linux,$(shell id -u)-$(shell uname -s))
# What a target needs of the machine is named, and installed where that is possible, before anything that takes minutes.
# The machine's own Python has to be new enough to say so: $(call prepare,PURPOSE)
prepare = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: needs Python 3.11 or newer as $(PYTHON) (Debian: apt-get install python3 python3-venv); name another with make PYTHON=python3.12"; exit 1; }; \
	  $(PYTHON) -m hack.prepare $(1) --target '$(or $(MAKECMDGOALS),$@)$(if $(filter-out real,$(NODE)), NODE=$(NODE))'
# A word for the shell, whatever is in it: names of contexts may hold spaces.
quoted = '$(subst ','\'',$(1))'
# Bring a cluster up for one command, and take it down after it if it was not up before; KEEP=1 leaves it.
ON_KWOK = $(PY) -m hack.cluster lend --node kwok --state .cluster/kwok $(if $(KEEP),--keep) --
ON_NODE = $(PY) -m hack.cluster lend --node real $(if $(KEEP),--keep) --

help: ## Name the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

setup: ## Fill .venv/ and .cluster/bin/
	$(call prepare,setup)

images-setup: setup
	$(call prepare,$(if $(ROOT_ON_LINUX),images,images-with-docker))

with-redis:
	$(call prepare,check)

demo: BEGAN := $(shell date +%s)
demo: ## Build and submit a real Expo app through the whole chain (KEEP=1; CONTEXT=name REGISTRY=host/me)
	@$(if $(REGISTRY),$(if $(CONTEXT),,$(error REGISTRY is for a cluster of your own: make demo CONTEXT=name REGISTRY=$(REGISTRY))))
	$(call prepare,$(if $(CONTEXT),demo-elsewhere,demo))
	@$(PY) -m hack.demo --began $(BEGAN) $(if $(KEEP),--keep) $(if $(CONTEXT),--context $(call quoted,$(CONTEXT))) $(if $(REGISTRY),--registry $(call quoted,$(REGISTRY)))

test: ## All tests: lint, types, import rules, unit, integration, end to end
	$(call prepare,$(if $(ROOT_ON_LINUX),test,test-without-root))
	@hack/test.sh

test-long: ## End-to-end tests that take many minutes: the pod dies, and EAS is away, at each step (KEEP=1)
	$(call prepare,test)
	@$(PY) -m hack.cluster check
	@$(PY) -m hack.images build --only operator --only standins --only redis > /dev/null
	@$(ON_NODE) hack/test_on_node.sh -m long

test-repeat: with-redis ## The integration suite in a new random order each time (RUNS=n, LOAD=1 beside busy cores, SEED=n again, WRITE=1)
	@$(ON_KWOK) $(PY) -m tests.repeat $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),10)) $(if $(LOAD),--load) $(if $(WRITE),--write)

check: ## What needs no cluster: lint, types, import rules, generated files, unit tests
	$(call prepare,check)
	@hack/check.sh

faults: with-redis ## The fault suite: RUNS=50 fresh seeds, or SEED=n again (JOBS=2 at once, WRITE=1 for the document)
	@$(ON_KWOK) $(PY) -m tests.faults $(if $(SEED),--seed $(SEED),--runs $(or $(RUNS),3)) $(if $(JOBS),--side-by-side $(JOBS)) \
	  $(if $(JSON),--json $(JSON)) $(if $(WRITE),--write)

faults-selftest: with-redis ## Break the operator on purpose, and demand that the fault suite notices
	@$(ON_KWOK) $(PY) -m tests.faults.selftest $(if $(JOBS),--side-by-side $(JOBS)) $(if $(WRITE),--write)

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

record-statuses: with-redis ## Record anew what builds look like in each state, for the GitOps tests (kwok cluster)
	@$(ON_KWOK) $(PY) -m tests.gitops

soak: with-redis ## 5,000 builds through one operator: memory and connections stay level (BUILDS=n, KEEP_BUILDS=1, WRITE=1)
	@$(ON_KWOK) $(PY) -m tests.soak --builds $(or $(BUILDS),5000) $(if $(KEEP_BUILDS),--keep) $(if $(WRITE),--write)

reliability: with-redis ## Measure take-over, silent Redis, flushall and turns (RUNS=n, ONLY=part, WRITE=1)
	@$(ON_KWOK) $(PY) -m tests.reliability --runs $(or $(RUNS),5) $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

pictures: with-redis ## Record docs/pictures/ anew, from real runs of the command on the kwok cluster
	@$(ON_KWOK) $(PY) -m tests.pictures

bench: with-redis ## Measure launches, lifecycles, latencies, restarts beside their ceilings (RUNS=n, ONLY=part, WRITE=1)
	@$(ON_KWOK) $(PY) -m tests.bench --runs $(or $(RUNS),3) $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

bench-scale: with-redis ## How the operator grows with 1,000, 10,000 and 50,000 builds; one and two operators (SIZES=a,b WRITE=1)
	@$(ON_KWOK) $(PY) -m tests.bench.scale $(if $(SIZES),--sizes $(SIZES)) $(if $(RUNS),--runs $(RUNS)) $(if $(WRITE),--write)

bench-peers: with-redis ## Launches beside those of KEDA's ScaledJob; compiles KEDA, once, in many minutes (RUNS=n, WRITE=1)
	@$(ON_KWOK) $(PY) -m tests.bench.peers $(if $(RUNS),--runs $(RUNS)) $(if $(WRITE),--write)

flames: with-redis ## Flame graphs of the operator: launches, lifecycles, restart (ONLY=part)
	@$(ON_KWOK) $(PY) -m tests.bench.flame $(if $(ONLY),--only $(ONLY))

cluster-up: ## Start the local cluster (NODE=real or kwok)
	$(call prepare,node-$(NODE))
	@$(PY) -m hack.cluster up --node $(NODE)

cluster-down: ## Stop it and remove all that it made
	@[ -x $(PY) ] || { echo "make: no cluster was ever started from here"; exit 0; }; \
	  $(PY) -m hack.cluster down

images: ## Build the images and load them into the local cluster's node
	$(call prepare,$(if $(ROOT_ON_LINUX),images,images-with-docker))
	@$(PY) -m hack.images build
	@listed=$$($(PY) -m hack.images list) && mapfile -t archives <<< "$$listed" && \
	  { [ ! -S .cluster/containerd/containerd.sock ] && echo "images: no node is up; make cluster-up, then make images loads them" \
	    || $(PY) -m hack.cluster load "$${archives[@]}"; }

push: ## Push the demo's images to REGISTRY=registry.example/me, for make demo CONTEXT=name REGISTRY=registry.example/me
	@$(if $(REGISTRY),,$(error make push needs REGISTRY, such as registry.example/me))
	$(call prepare,$(if $(ROOT_ON_LINUX),images,images-with-docker))
	@$(PY) -m hack.images push --only operator --only standins --only redis --registry $(call quoted,$(REGISTRY))

sbom: images-setup ## Write a bill of materials (CycloneDX) for each image into .cluster/sbom/
	@$(PY) -m hack.images build --only operator --only runner > /dev/null
	@$(PY) -m hack.images sbom --only operator --only runner

images-reproducible: images-setup ## Build both images twice from nothing: are they the same to the byte?
	@$(PY) -m hack.images reproducible --only operator --only runner

fresh: ## Run RUN="make demo" on a bare Debian that has never seen this (SUITE=trixie AS_USER=1 NO_NETWORK=1 WARM_GO=1 KEEP=1)
	@$(PYTHON) -m hack.fresh $(if $(SUITE),--suite $(SUITE)) $(if $(AS_USER),--user) $(if $(NO_NETWORK),--no-network) \
	  $(if $(WARM_GO),--warm-go) $(if $(KEEP),--keep) '$(or $(RUN),make demo)'

format: setup ## Let ruff lay out the code
	@$(VENV)/bin/ruff format -q . && $(VENV)/bin/ruff check -q --fix .

.PHONY: help setup images-setup with-redis demo test test-long test-repeat check faults faults-selftest generate verify docs record-statuses soak reliability bench bench-scale bench-peers flames pictures cluster-up cluster-down images push sbom images-reproducible fresh format
