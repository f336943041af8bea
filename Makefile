# The verbs of this repository. `make run` and `make test` work alone on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup
# A file at a time, those that take long first: no worker is left alone with minutes of work at the end. One worker more than cores:
# many tests wait for children.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
PROMPT ?= What is the capital of France?
PACKAGES := wire http sql client/python sdk/python sdk/tools/bakery pie deploy/flow deploy/component deploy
# The pip that sets up a fresh clone shows what it does; a warm one stays silent.
PIP := $(BIN)/pip --disable-pip-version-check install --progress-bar off

.PHONY: help setup run test check format lint imports types test-fast fuzz tools bench docs clean

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make setup   create .venv and install everything (about a minute)
setup: $(STAMP)

$(STAMP): $(addsuffix /pyproject.toml,$(PACKAGES))
	@echo "==> creating $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "==> installing PyTorch (CPU build)"
	@$(PIP) -q torch==2.13.0
	@echo "==> installing Pie and its tools"
	@$(PIP) -q -e wire -e http -e sql -e client/python -e sdk/python -e sdk/tools/bakery -e "pie[dev]" -e deploy/flow -e deploy/component -e "deploy[postgresql]"
	@touch $@

## make run     run the text-completion program on the embedded model (PROMPT="…" asks something else)
run: $(STAMP)
	@$(BIN)/pie run text-completion --prompt "$(PROMPT)"

## make test    all tests, real components and real models included
test: $(STAMP)
	$(PYTEST)

## make check   format, lint, import contracts, types, fast tests
check: format lint imports types test-fast

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

imports: $(STAMP)
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

test-fast: $(STAMP)
	$(PYTEST) -m "not slow"

## make fuzz    the property tests with examples they have not seen (FUZZ="-k sampling" picks some)
fuzz: $(STAMP)
	HYPOTHESIS_PROFILE=fuzz $(PYTEST) -m "not slow" $(FUZZ)

## make tools   what a few tests need besides, and are skipped without: PostgreSQL, Chromium, bubblewrap (Debian, as root), TypeScript
tools:
	@test -x /usr/bin/chromium -a -x /usr/bin/bwrap -a -n "$(wildcard /usr/lib/postgresql/*/bin/initdb)" || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium postgresql bubblewrap >/dev/null; }
	@npm --prefix client/javascript --no-fund --no-audit --silent install

## make bench   every figure, each next to its target
bench: $(STAMP)
	$(BIN)/python -m benches

## make docs    regenerate the generated documentation
docs: $(STAMP)
	$(BIN)/python -m docs.generate

## make clean   remove what the tools left behind (not .venv)
clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
