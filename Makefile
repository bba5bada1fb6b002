# One command each; see README.md. Needs make and Python 3.11 or newer. Uses uv when it is installed, else pip.

SHELL := /bin/sh
VENV ?= .venv
UV ?= uv
PYTHON ?=
HOST ?= 127.0.0.1
PORT ?= 8000
PYTEST_ARGS ?=
BENCH ?= --users 50 --seconds 60

PY := $(VENV)/bin/python
TEST_SETTINGS := DJANGO_SETTINGS_MODULE=emr.settings.test

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock clean-demo venv dev-venv

help:
	@echo "make run         start the demo clinic at http://localhost:$(PORT)/ (PORT=8001 for another port)"
	@echo "make test        run the tests"
	@echo "make check       run linters, type checks and the checks of generated files"
	@echo "make bench       measure the day's pages under load"
	@echo "make lock        renew the locked dependencies (needs uv and network)"
	@echo "make clean-demo  remove the demo clinic; the next make run builds it anew"

run: venv
	@$(PY) manage.py compile_translations
	@$(PY) manage.py migrate --verbosity 0 $$([ -e "$${VAR_DIR:-var}/emr.sqlite3" ] || echo --skip-checks)
	@if $(PY) -c 'import os; os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.development"); from django.conf import settings; raise SystemExit(not settings.DEMO_MODE)'; then $(PY) manage.py load_demo; fi
	@exec $(if $(filter-out 8000,$(PORT)),env SITE_URL="$${SITE_URL:-http://localhost:$(PORT)}") $(PY) manage.py serve --host $(HOST) --port $(PORT)

test: dev-venv
	@$(TEST_SETTINGS) $(PY) manage.py compile_translations
	@$(PY) -m pytest -n 2 $(PYTEST_ARGS)

check: dev-venv
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) -m mypy .
	$(VENV)/bin/lint-imports
	$(TEST_SETTINGS) $(PY) manage.py makemigrations --check --dry-run
	$(TEST_SETTINGS) $(PY) manage.py compile_translations --check
	$(TEST_SETTINGS) $(PY) manage.py write_settings_docs --check
	$(TEST_SETTINGS) $(PY) manage.py write_access_docs --check

bench: dev-venv
	@$(TEST_SETTINGS) $(PY) manage.py compile_translations
	@$(PY) bench/load.py $(BENCH)

clean-demo: venv
	@$(PY) manage.py clean_demo

EXTRA := import sys, tomllib; print('\n'.join(tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies'][sys.argv[1]]))

lock:
	$(UV) pip compile --no-header --universal --generate-hashes --python-version 3.11 pyproject.toml -o requirements.lock
	$(UV) pip compile --no-header --universal --generate-hashes --python-version 3.11 pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(PY) -c "$(EXTRA)" s3 | $(UV) pip compile --no-header --universal --generate-hashes --python-version 3.11 -c requirements-dev.lock - -o requirements-s3.lock
	$(UV) pip compile --no-header --universal --generate-hashes --python-version 3.11 --group e2e -c requirements-dev.lock -c requirements-s3.lock -o requirements-e2e.lock
	$(PY) -c "$(EXTRA)" mysql | $(UV) pip compile --no-header --universal --generate-hashes --python-version 3.11 -c requirements.lock - -o requirements-mysql.lock

# A virtual environment with what a lock names. The copy of the lock inside it says what was installed, so nothing is
# installed twice and a changed lock is noticed. make_venv makes the environment, install puts one lock into it.
define make_venv
	@set -e; if ! $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		found=; \
		for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
			if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found="$$candidate"; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Python 3.11 or newer was not found. Install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; \
		fi; \
		rm -rf $(VENV); \
		if "$$found" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
			"$$found" -m venv $(VENV); \
		elif $(UV) --version >/dev/null 2>&1; then \
			$(UV) --quiet venv --seed --python "$$found" $(VENV); \
		else \
			echo "The venv module of Python is missing. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; \
		fi; \
	fi
endef

define install
	@set -e; if ! cmp -s $(1) $(VENV)/$(1); then \
		echo "Installing what $(1) names; the first time takes a few minutes."; \
		if ! { $(UV) --version >/dev/null 2>&1 && VIRTUAL_ENV=$(VENV) $(UV) --quiet pip install --require-hashes -r $(1) 2>/dev/null; }; then \
			$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r $(1) \
				|| { echo "The packages of $(1) could not be installed. Check the network connection, then run make again." >&2; exit 1; }; \
		fi; \
		cp $(1) $(VENV)/$(1); \
	fi
endef

venv:
	$(make_venv)
	@if cmp -s requirements-dev.lock $(VENV)/requirements-dev.lock; then cp requirements.lock $(VENV)/requirements.lock; fi
	$(call install,requirements.lock)

dev-venv:
	$(make_venv)
	$(call install,requirements-dev.lock)
