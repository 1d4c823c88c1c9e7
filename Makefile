# `make help` lists the targets. Each one installs what it needs into .venv; a second call finds it there.

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)

# A wheel folder given to pip serves uv too; where there is none, the CPU build of torch is asked for by name.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
TORCH_BACKEND ?= $(if $(UV_FIND_LINKS),,cpu)

# Threads that spin while they wait make torch ten times slower on cores that are shared.
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 0

SEEDS ?= 0 1 2
ARGS ?=
INSTALL := $(UV) pip install --quiet --python $(PY) --constraint constraints.txt

.PHONY: help demo test check serve bench figures contract constraints format clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.trainer ## start a reward service, train through the three stages, write runs/demo/report.html
	@$(PY) -m trainer demo --output-dir runs/demo $(ARGS)

test: $(VENV)/.test ## run all tests: real service, real sockets, real GRPOTrainer
	@$(PY) -m pytest $(ARGS)

check: $(VENV)/.test ## lint, format, types, import rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache

serve: $(VENV)/.service ## the reward service alone, on port 8000 (installs no torch)
	@$(VENV)/bin/reward-service serve $(ARGS)

bench: $(VENV)/.test ## measure speed: grounding, maths, HTTP; prints ratios side by side
	@for b in bench/grounding.py bench/maths.py bench/service.py; do $(PY) $$b || exit 1; done

figures: $(VENV)/.trainer ## the demo over seeds 0, 1, 2 on scenes never drawn before; writes docs/results.json
	@for s in $(SEEDS); do $(PY) -m trainer demo --output-dir runs/seed-$$s seed=$$s generate.seed=1 || exit 1; done
	@$(PY) bench/seeds.py $(foreach s,$(SEEDS),runs/seed-$(s)) --out docs/results.json

contract: $(VENV)/.service ## write contract/v1 anew from the running code
	@$(PY) -m contract.v1.generate

format: $(VENV)/.test ## format the code
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format .

constraints: $(VENV)/.uv ## resolve constraints.txt anew
	@env -u UV_FIND_LINKS -u PIP_FIND_LINKS $(UV) pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --upgrade --group test --group check --group bench reward_service/pyproject.toml trainer/pyproject.toml constraints.in -o constraints.txt

clean: ## remove the environment and all runs
	rm -rf $(VENV) runs

$(VENV)/.uv:
	@test -n "$(PYTHON)" || { echo "Plumbline needs Python 3.11, 3.12 or 3.13 on the PATH (or: make PYTHON=/path/to/python)"; exit 2; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "python's venv module is missing (Debian: apt-get install python3-venv)"; exit 2; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@touch $@

$(VENV)/.service: $(VENV)/.uv constraints.txt reward_service/pyproject.toml
	@echo "installing the reward service"
	@$(INSTALL) --editable reward_service
	@touch $@

$(VENV)/.torch: $(VENV)/.uv constraints.txt
	@echo "installing torch"
	@$(INSTALL) $(if $(TORCH_BACKEND),--torch-backend $(TORCH_BACKEND)) torch \
	  || { echo "that index did not answer; taking torch from the default one"; $(INSTALL) torch; }
	@touch $@

$(VENV)/.trainer: $(VENV)/.service $(VENV)/.torch trainer/pyproject.toml
	@echo "installing the trainer"
	@$(INSTALL) --editable trainer
	@touch $@

$(VENV)/.test: $(VENV)/.trainer pyproject.toml
	@echo "installing the test tools"
	@$(INSTALL) --group test --group check --group bench
	@touch $@
