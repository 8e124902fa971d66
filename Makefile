# Two commands on a fresh machine: `make run` and `make test`. Each does all the set-up it needs.
#
#   make run                   install, then `tradsys run` on the real bars that come with it
#   make run ARGS="--bars FILE --seed 1"
#   make run TORCH=cpu         with torch's CPU build (no 3 GB of CUDA packages on Linux); .venv remembers the choice
#   make test                  the whole test suite; ARGS="-k purge" for a part of it
#   make check                 formatting, lint, types, layers, tests
#   make docs                  the pages as a site in build/site, strictly; ARGS=mkdocs builds it with the fallback
#   make dist                  wheel and source distribution into dist/, the same bytes wherever they are built
#   make soak                  hours of kills and random faults against the bot, and the page docs/fire.md
#   make neighbours            environments for MLflow, freqtrade and NautilusTrader, in which some tests run
#   make lock                  resolve the dependencies anew

TORCH ?= $(if $(wildcard .venv/.torch-cpu),cpu,lock)
BIN := .venv/bin
LOCKS := pyproject.toml .python-version requirements.lock requirements-torch.lock requirements-dev.lock scripts/setup.sh
INSTALLED := .venv/.installed-$(TORCH)-$(shell pwd | cksum | cut -d' ' -f1)

.PHONY: run test check dist docs soak neighbours lock clean
.DEFAULT_GOAL := run

run: $(INSTALLED)-run
	$(BIN)/tradsys run $(if $(findstring --bars,$(ARGS)),,--bars sample) $(ARGS)

# with compiled modules kept, whatever the environment says: hundreds of tests begin processes of their own
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

test: $(INSTALLED)-dev
	$(PYTEST) -n 2 --dist worksteal $(ARGS)

check: $(INSTALLED)-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -n 2 --dist worksteal $(ARGS)

docs: .venv-docs/.installed
	.venv-docs/bin/python scripts/build_site.py $(ARGS)

dist: $(INSTALLED)-dev
	rm -f dist/*.whl dist/*.tar.gz
	$(BIN)/python -m hatchling build

soak: $(INSTALLED)-dev
	$(BIN)/python -m tests.live.execution.run_many 10000
	$(BIN)/python -m tests.live.execution.run_many 10000 --spot
	$(BIN)/python -m tests.live.execution.run_many 10000 --targets
	$(BIN)/python -m tests.live.execution.run_many 10000 --limits
	$(BIN)/python -m tests.live.execution.run_many 10000 --limits --spot
	$(BIN)/python -m tests.fire --kills 1000 --out docs/fire.md

neighbours: $(INSTALLED)-dev
	sh scripts/neighbours.sh

lock: $(INSTALLED)-dev
	sh scripts/lock.sh

$(INSTALLED)-run: $(LOCKS)
	sh scripts/setup.sh run $(TORCH)
	@rm -f .venv/.installed-* .venv/.torch-*
	@touch .venv/.torch-$(TORCH) $@

$(INSTALLED)-dev: $(LOCKS)
	sh scripts/setup.sh dev $(TORCH)
	@rm -f .venv/.installed-* .venv/.torch-*
	@touch .venv/.torch-$(TORCH) $(INSTALLED)-run $@

.venv-docs/.installed: requirements-docs.lock $(INSTALLED)-dev
	rm -rf .venv-docs
	$(BIN)/python -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --require-hashes --requirement requirements-docs.lock
	@touch $@

clean:
	rm -rf .venv .venv-* build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist
