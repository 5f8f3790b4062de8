# Two commands on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
KERNEL ?= .kernel/linux-source-6.1
PACKAGE := linux-source-6.1

SARIF := .sarif/sarif-schema-2.1.0.json
# A package that carries the schema; nothing of it is run.
SARIF_CARRIER := sarif-pydantic==0.6.2

.PHONY: help demo test lint format kernel test-kernel bench sarif-schema dist clean

help:
	@echo 'make demo         check and rewrite a small program (in fixtures/)'
	@echo 'make test         format, lint, types, tests'
	@echo 'make kernel       lay the source of Debian'"'"'s $(PACKAGE) in .kernel/'
	@echo 'make test-kernel  the tests that need a kernel tree (KERNEL=DIR for another one)'
	@echo 'make bench        time and memory, beside parsing and beside peers (KERNEL=DIR, AGAINST=REV)'
	@echo 'make sarif-schema lay the schema of SARIF in .sarif/, which a test validates against'
	@echo 'make format       let ruff format and mend what it can'
	@echo 'make dist         sdist and wheel'
	@echo 'make clean        remove what the above made, but for .kernel/'

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pagefix needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# 1 is "findings": what the demo is made to have.
demo: $(STAMP)
	$(BIN)/pagefix check fixtures/demo || test $$? -eq 1
	@echo
	$(BIN)/pagefix rewrite fixtures/demo || test $$? -eq 1

test: lint
	@$(MAKE) --no-print-directory -s sarif-schema || echo "make test: no schema of SARIF: its test is skipped" >&2
	$(BIN)/python -m pytest -q -n auto

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# No root is needed: the package is only unpacked. What the tests read is a part of it.
kernel: .kernel/$(PACKAGE)/Makefile

.kernel/$(PACKAGE)/Makefile:
	@mkdir -p .kernel
	@cd .kernel && rm -rf unpacked && { apt-get -q download $(PACKAGE) || \
		{ apt-get -q update && apt-get -q download $(PACKAGE); } || { \
		echo 'make kernel: the package $(PACKAGE) cannot be had.'; \
		echo '  why: apt-get download failed (see above): no Debian 12, or no network.'; \
		echo '  remedy: run `apt-get update` as root first, or use a tree of your own: make test-kernel KERNEL=DIR'; \
		exit 1; } >&2; }
	cd .kernel && dpkg-deb -x $(PACKAGE)_*.deb unpacked
	cd .kernel && tar --extract --file unpacked/usr/src/$(PACKAGE).tar.xz
	@rm -rf .kernel/unpacked .kernel/$(PACKAGE)_*.deb
	@touch $@

sarif-schema: $(SARIF)

# OASIS's own text, which is not ours to keep a copy of.
$(SARIF): $(STAMP)
	@mkdir -p .sarif
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
		--no-binary :all: --dest .sarif '$(SARIF_CARRIER)'
	@tar --extract --gzip --to-stdout --wildcards --file .sarif/*.tar.gz '*/$(notdir $@)' > $@.new
	@mv $@.new $@ && rm -f .sarif/*.tar.gz

test-kernel: $(STAMP)
	@test -d '$(KERNEL)/include/linux' || { \
		echo 'make test-kernel: no kernel tree in $(KERNEL).'; \
		echo '  remedy: `make kernel`, or make test-kernel KERNEL=DIR'; exit 1; } >&2
	PAGEFIX_KERNEL='$(abspath $(KERNEL))' $(BIN)/python -m pytest -q -n auto -m kernel

bench: $(STAMP)
	$(BIN)/python bench/speed.py '$(KERNEL)/fs/btrfs' '$(KERNEL)/fs/nfs'
	$(BIN)/python bench/reach.py '$(KERNEL)'
	$(BIN)/python bench/peers.py '$(KERNEL)' --scale fs $(if $(AGAINST),--against '$(AGAINST)')

dist: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.kernel/*' -prune -exec rm -rf {} +
