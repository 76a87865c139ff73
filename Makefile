# Every target installs what it needs into .venv: the locked versions of requirements/ and no others.

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -n 2 --dist worksteal
# The kit's own tests run there beside the others: tests/architecture/test_kit.py.
ON_SQLITE := SAAS_TEST_DATABASE=sqlite $(PYTEST) -m "core and not drill" --ignore=tests/saas
WITHOUT_SERVERS := DATABASE_URL= REDIS_URL= DJANGO_SETTINGS_MODULE=config.settings.test
LOCK := uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url
BASE ?= HEAD~1
HEADING := @printf '\n== %s ==\n'

.PHONY: help run test check drills restore-drill rotate-drill bench bench-smoke sabotage lock format openapi \
	tls-scan clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 15

run: .venv/.run ## load the demo, serve it on http://localhost:8000 (PORT changes the port) and work
	@$(PYTHON) manage.py quickstart

test: .venv/.dev ## the whole suite on PostgreSQL and Redis, then its core on SQLite
	$(PYTEST)
	$(ON_SQLITE)

check: .venv/.dev ## what CI runs: lint, types, contracts, deployment, migrations, OpenAPI, tests
	$(HEADING) "Lint"
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check
	$(HEADING) "Types"
	@$(WITHOUT_SERVERS) $(PYTHON) -m mypy
	$(HEADING) "Import contracts"
	@.venv/bin/lint-imports --no-logo
	$(HEADING) "Ready for production"
	@$(PYTHON) -m tests.deployment
	$(HEADING) "Migrations up to date"
	@DJANGO_SETTINGS_MODULE=config.settings.test $(PYTHON) -m tests.servers -- \
		$(PYTHON) manage.py makemigrations --check --dry-run
	$(HEADING) "OpenAPI valid and unchanged"
	@$(WITHOUT_SERVERS) $(PYTHON) manage.py openapi --check
	$(HEADING) "Tests on PostgreSQL and Redis"
	@$(PYTEST)
	$(HEADING) "Core tests on SQLite"
	@$(ON_SQLITE)
	$(HEADING) "Benchmark, in brief"
	@$(PYTHON) -m tests.bench --smoke
	$(HEADING) "Sabotage of what the last commit changed"
	@if git rev-parse -q --verify $(BASE) >/dev/null; \
		then $(PYTHON) -m tests.sabotage --changed $(BASE); \
		else echo "$(BASE) is not here: make sabotage runs them all."; fi

bench: .venv/.dev tests/bench/.venv/.ready ## ten minutes: ours and five rivals, as ratios
	@$(PYTHON) -m tests.bench

bench-smoke: .venv/.dev ## half a minute of it, without the rivals that need more libraries
	@$(PYTHON) -m tests.bench --smoke

tls-scan: .venv/.dev tests/tls/.venv/.ready ## grade the gateway's TLS with a scanner, on loopback
	@$(PYTHON) -m tests.tls

drills: .venv/.dev ## the long forms of the races and kills
	$(PYTEST) -m drill

restore-drill: .venv/.dev ## back up 100,000 invoices under load, restore, verify (SAAS_INVOICES)
	$(PYTHON) -m pytest -q -m drill tests/apps/recovery

rotate-drill: .venv/.dev ## change every secret of the register under load (SECRETS="SAAS_KEK …")
	$(PYTHON) -m pytest -q -m drill tests/rotation

sabotage: .venv/.dev ## remove each protection in turn and demand red (ID=AUTHZ-02 for one)
	@$(PYTHON) -m tests.sabotage $(ID)

format: .venv/.dev ## mend and format the code as `make check` wants it
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format

openapi: .venv/.dev ## write the OpenAPI files anew
	@$(WITHOUT_SERVERS) $(PYTHON) manage.py openapi

lock: ## make requirements/*.txt anew (needs uv; UPGRADE=--upgrade takes newer releases)
	@uv --version >/dev/null 2>&1 || { echo "Locking needs uv: docs.astral.sh/uv."; exit 1; }
	@$(LOCK) -q $(UPGRADE) -o requirements/base.txt --python-version 3.12
	@$(LOCK) -q $(UPGRADE) --group dev -o requirements/dev.txt --python-version 3.12
	@$(subst pyproject.toml,tests/bench/requirements.in,$(LOCK)) -q $(UPGRADE) \
		-c requirements/base.txt -o tests/bench/requirements.txt --python-version 3.12
	@$(subst pyproject.toml,tests/tls/requirements.in,$(LOCK)) -q $(UPGRADE) \
		-o tests/tls/requirements.txt --python-version 3.12

clean: ## remove .venv, the caches and the state of development in var/
	@rm -rf .venv tests/bench/.venv tests/tls/.venv var .*_cache .hypothesis .schemathesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.run: requirements/base.txt
	@requirements/install base
	@rm -f .venv/.dev
	@touch $@

.venv/.dev: requirements/dev.txt
	@requirements/install dev
	@touch $@ .venv/.run

tests/bench/.venv/.ready: tests/bench/requirements.txt
	@requirements/install bench
	@touch $@

tests/tls/.venv/.ready: tests/tls/requirements.txt
	@requirements/install tls
	@touch $@
