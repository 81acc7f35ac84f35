# `make run` and `make test` do all their own set-up with Python 3.11 or newer, through uv where that is
# installed. Once they have run they need no network.

BIN := .venv/bin
PYTHONS := python3 python3.11 python3.12 python3.13 python3.14

# What is installed is remembered by content, not by time: checking the same files out again changes nothing.
key = $(shell cat $(1) | cksum | cut -d ' ' -f 1)
VENV := .venv/.made
RUNTIME := .venv/.runtime-$(call key,requirements.lock)
DEV := .venv/.dev-$(call key,requirements-dev.lock)
PEERS := .venv/.bench-$(call key,requirements-bench.lock)
PACKAGE := .venv/.package-$(call key,pyproject.toml hatch_build.py)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_PYTHON_DOWNLOADS := never

# One more than there are cores: tests wait for servers, clocks and browsers, too.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

ifneq ($(shell command -v uv),)
MAKE_VENV := uv venv --quiet --clear --python
INSTALL := uv pip install --quiet --python $(BIN)/python --no-deps
OFFLINE := --offline
else
MAKE_VENV := venv() { "$$1" -m venv --clear "$$2"; }; venv
INSTALL := $(BIN)/python -m pip install --quiet --no-deps
OFFLINE := --no-index
endif

.PHONY: help run test campaign bench check format lock clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  \1	/p' Makefile

run: $(RUNTIME) $(PACKAGE) ## migrate, load the fixtures into an empty database, serve
	@exec $(BIN)/tracker serve

test: $(DEV) $(PACKAGE) ## run the tests, or some: make test TESTS=tests/test_settings.py
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile $(TESTS)

campaign: $(DEV) $(PACKAGE) ## kill, restart and search for long: make campaign KILLS=5000 TESTS=tests/campaign
	@$(BIN)/pytest --numprocesses 0 -m campaign -s $(TESTS)

check: $(DEV) $(PACKAGE) ## lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(DEV) $(PEERS) $(PACKAGE) ## measure against the driver and peers; QUICK=1, FULL=1, README=1, ONLY=append
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(FULL),--full) $(if $(README),--readme) $(addprefix --only ,$(ONLY))

format: $(DEV) ## mend what lint and formatting can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(VENV) ## lock the dependencies anew; UPGRADE=--upgrade takes newer versions
	@$(BIN)/python -m venv build/uv
	@build/uv/bin/pip install --quiet uv
	@$(COMPILE) --group build --output-file requirements.lock
	@$(COMPILE) --group dev --constraints requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) --group bench --constraints requirements-dev.lock --output-file requirements-bench.lock

COMPILE = build/uv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

clean: ## remove what was installed and built; var/, the service's data, stays
	rm -rf .venv build dist tracker/web/static/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV):
	@for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done || { echo "Python 3.11 or newer is needed, and none of these is: $(PYTHONS)" >&2; exit 1; }; \
	$(MAKE_VENV) "$$python" .venv
	@touch $@

$(RUNTIME): | $(VENV)
	@echo "Installing the locked dependencies"
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

$(DEV): | $(RUNTIME)
	@echo "Installing the locked test tools"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(PEERS): | $(DEV)
	@echo "Installing the locked peers of the benchmark"
	@$(INSTALL) --require-hashes -r requirements-bench.lock
	@touch $@

# The build hook copies the web assets out of their wheels.
$(PACKAGE): | $(RUNTIME)
	@$(INSTALL) $(OFFLINE) --no-build-isolation -e .
	@touch $@
