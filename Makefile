# One command runs the demo canteen, one runs every test; both set themselves up.
VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
PYTHON  ?= python3
# Real devices for `make run`: CAMERA=0 SCALE=/dev/ttyUSB0 PROTOCOL=cas-soh PRINTER=/dev/usb/lp0
CAMERA  ?=
SCALE   ?=
PROTOCOL ?= cas-soh
PRINTER ?=
# More than there are cores: tests with processes of their own wait most of the time.
WORKERS ?= 3
# Whose pages `make walk` looks at: manage, kitchen or me; all of them.
WALK    ?= all
# Compiled modules are kept, whatever the shell says: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=
# What depends most on the engine: books, sync, locks, migrations, rights. All others run on it, too:
# pytest --database postgresql tests/server tests/security tests/kitchen
ON_BOTH := $(addprefix tests/server/test_,books_*.py ingest_push.py locks.py feed_order.py \
	migrations.py backup.py day_sums.py plates.py preorders.py birthdays.py) tests/kitchen/test_stock.py \
	tests/server/pages/test_pages_routes.py::test_whoever_may_open_everything_is_answered_everywhere

# Tests that see the pages which the docs show.
SEE_PAGES := tests/e2e/test_demo_browser.py tests/pos/kiosk/test_real_till.py \
	tests/server/pages/test_pages_pictured.py tests/e2e/test_line_lunch.py

.PHONY: help walk run test check coverage pictures setup format browser models lock clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml .ci/venv
	@.ci/venv $(PYTHON) $(VENV)
	@touch $@

setup: $(STAMP) ## Make the virtual environment

models: setup ## Get the face models, or say what was taken instead
	@$(BIN)/dafan models pull

run: models ## Start the demo canteen: server, till, simulated scale, printer and camera
	@$(BIN)/dafan demo --camera "$(CAMERA)" --scale "$(SCALE)" --protocol "$(PROTOCOL)" --printer "$(PRINTER)"

browser: setup ## Get Chromium and a Chinese font for the browser tests
	@.ci/browser $(BIN)

test: models browser ## Run all tests, and those of the books on PostgreSQL as well
	@$(BIN)/python -m pytest -n $(WORKERS)
	@$(BIN)/python -m pytest -n $(WORKERS) --database postgresql -m "not models and not process" $(ON_BOTH)

pictures: models browser ## Make the pictures of the docs: by the tests that see the pages
	@PICTURES=1 $(BIN)/python -m pytest -q -n 0 $(SEE_PAGES)
	@$(BIN)/python -m tests.pictures

walk: models browser ## Look at every page in both languages and sizes; pictures in build/screenshots/walk
	@WALK=$(WALK) $(BIN)/python -m pytest -s -n 0 -k links_lead tests/e2e/test_demo_browser.py

coverage: models browser ## Run all tests and show which lines they never reach
	@$(BIN)/coverage run -m pytest -q && $(BIN)/coverage combine -q && $(BIN)/coverage report --skip-covered

check: setup ## Check style, types and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@MYPYPATH=tests $(BIN)/mypy -p simulation
	@$(BIN)/lint-imports

format: setup ## Format the code
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: ## Pin the newest versions of all dependencies
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock

clean: ## Remove the virtual environment and the demo's data
	@rm -rf $(VENV) var
