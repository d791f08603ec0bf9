# Everything a user or a test job runs. `make` alone lists the commands.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JAZZY := .venv-jazzy
JAZZY_STAMP := $(JAZZY)/.installed
COLCON := $(CURDIR)/.venv-build
COLCON_STAMP := $(COLCON)/.installed
PACKAGES := robot data_collection learning launch
INSTALLER := scripts/install.sh scripts/find_python.sh

DEMO_SETTINGS := GOAL TASK CHECKPOINT OUT SEED TIMEOUT
INSTALL_SETTINGS := VENV PYTHON

# make takes any name on its command line; a misspelt one would run the default demo.
ifneq ($(filter demo,$(MAKECMDGOALS)),)
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
UNKNOWN := $(filter-out $(DEMO_SETTINGS) $(INSTALL_SETTINGS),$(GIVEN))
$(if $(UNKNOWN),$(error make demo does not know $(UNKNOWN); it takes $(DEMO_SETTINGS)))
endif

.PHONY: help setup demo test test-jazzy check format build clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(STAMP) ## install everything into .venv (needs Python 3.11 to 3.13)
	@echo "Ready. Next: source $(BIN)/activate, then crl-data --help; or make demo"

$(STAMP): pyproject.toml constraints.txt $(INSTALLER)
	@rm -f $@
	@scripts/install.sh $(VENV) constraints.txt
	@touch $@

# An unset variable is not passed on, so that crl-demo's own default holds.
demo: $(STAMP) ## drive the arm to a goal image: make demo GOAL=file.png TASK=reach
	@$(BIN)/python scripts/check_render.py
	@$(BIN)/crl-demo $(foreach name,$(DEMO_SETTINGS),$(if $($(name)),"$(shell echo $(name) | tr A-Z a-z)=$($(name))"))

test: $(STAMP) ## run the whole test suite
	@$(BIN)/python scripts/check_render.py
	$(BIN)/pytest -n 3 --dist loadgroup $(PYTEST_ARGS)

test-jazzy: $(JAZZY_STAMP) ## run the ROS tests against the Jazzy wheels on Python 3.12
	@$(JAZZY)/bin/python scripts/check_render.py
	$(JAZZY)/bin/pytest -m ros $(PYTEST_ARGS)

$(JAZZY_STAMP): pyproject.toml constraints.txt constraints-jazzy.txt $(INSTALLER)
	@rm -f $@
	@PYTHON="$$(scripts/find_python.sh 3.12)" scripts/install.sh $(JAZZY) constraints-jazzy.txt
	@touch $@

check: $(STAMP) ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(STAMP) ## let ruff rewrite the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# colcon writes the Python that runs it into the node scripts: it must be the one with torch and rclpy.
build: $(STAMP) $(COLCON_STAMP) ## colcon build of the four ROS packages, into build/ and install/
	PYTHONPATH=$(COLCON) $(BIN)/python -m colcon build --base-paths $(PACKAGES)

$(COLCON_STAMP): requirements-colcon.txt $(STAMP)
	@rm -rf $(COLCON)
	@$(BIN)/python -m pip install --quiet --target $(COLCON) --requirement $<
	@touch $@

clean: ## delete build results and caches, but no virtual environment
	rm -rf build install log .pytest_cache .ruff_cache
