# Everyday commands. Each sets up what it needs on a fresh machine with Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

.PHONY: help demo test lint format package docs clean

help:  ## what one can do here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ --/'

$(BIN)/pidnet: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip -c constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[report]'
	@touch $@

$(BIN)/pytest: $(BIN)/pidnet
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[cluster,ecos,mnist1d,report,transformers]' --group dev
	@touch $@

demo: $(BIN)/pidnet  ## train, map, draw the graph, prune, compare energy; results in runs/demo
	$(BIN)/pidnet demo

test: $(BIN)/pytest  ## the test suite, the examples in the docstrings, the notebooks
	$(BIN)/python -m pytest -n 2 --nbmake --doctest-modules pidnet tests notebooks

lint: $(BIN)/pytest  ## format and lint checks, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/ty check pidnet

format: $(BIN)/pytest  ## format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

package: $(BIN)/pytest  ## wheel and sdist, checked and tried in a clean environment
	PYTHON=$(PYTHON) .ci/package

docs: $(BIN)/pytest  ## the documentation, in site/
	$(BIN)/sphinx-build -q --fail-on-warning --keep-going -d build/doctrees docs site
	$(BIN)/python .ci/links.py site

clean:  ## remove the environment and the results
	rm -rf .venv build dist docs/generated docs/gallery docs/notebooks docs/results runs site
