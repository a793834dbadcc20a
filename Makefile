# make say TEXT="…" speaks; make test sets up and runs the tests; make check runs everything CI runs.
PYTHON ?= python3
TEXT ?= The cat sat by the window and watched the rain come down.
OUT ?= out.wav
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: say test check clean

say: $(VENV)/.installed
	@echo "Speaking: $(TEXT)"
	@$(BIN)/cat-tts say "$(TEXT)" -o "$(OUT)"

test: $(VENV)/.installed-dev
	@echo "Running the tests (a few minutes on two cores) …"
	$(BIN)/pytest

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pyright -p pyright.strict.json
	PYTHONPATH=. $(BIN)/lint-imports
	$(MAKE) --no-print-directory test

$(VENV)/.created:
	@echo "Creating a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing CAT-TTS and what it needs (a few minutes, about 1.5 GB) …"
	@$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing the development tools …"
	@$(PIP) -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) out.wav
