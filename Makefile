# `make run` and `make test` need Python 3.11 or newer. With a C++20 compiler the fast kernels are built; without one
# NumPy renders, many times slower.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLANG ?= clang++
FUZZ_RUNS ?= 1000000
FUZZ_SECONDS ?= 0

.PHONY: run test test-live test-all check sanitize fuzz peers bench bench-annotation bench-workers bench-overload bench-first-release bench-instructions bench-startup bench-gpu soak kill-rounds \
	client openapi docs pictures clean

# The value of a variable given to make itself: other programs export a HOST, too.
given = $(if $(findstring command line,$(origin $1)),$($1))

run: $(VENV)/.installed  ## serve, on HOST= and PORT= where they are given
	@$(BIN)/heatsvc serve $(if $(call given,HOST),--host $(HOST)) $(if $(call given,PORT),--port $(PORT))

test: $(VENV)/.installed-dev  ## what a contributor runs: no peers, no browser, no service of its own process
	$(BIN)/python -m pytest -n auto --dist worksteal --ignore=tests/live --ignore=tests/durable

test-live: $(VENV)/.installed-dev  ## a running service: connections, clients, worker processes, builds that are killed
	$(BIN)/python -m pytest tests/live tests/durable

test-all: FUZZ_SECONDS = 80
test-all: $(VENV)/.installed-dev peers sanitize $(if $(shell command -v $(CLANG)),fuzz)  ## all tests: with peers, browser, fuzzing and 100 kill rounds; takes an hour
	HEATSVC_TEST_ALL=1 HEATSVC_TEST_KILL_ROUNDS=100 $(BIN)/python -m pytest -m ""

check: $(VENV)/.installed-dev  ## ruff, mypy, spelling, and whether the synchronous client is up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell . .ci .github
	$(BIN)/python scripts/unasync.py --check

client: $(VENV)/.installed-dev  ## write heatsvc/client/synchronous/ from heatsvc/client/asynchronous/
	$(BIN)/python scripts/unasync.py

# A copy of the package, whose kernels stop at the first wrong access or undefined operation; found before the editable one (-P, -S).
sanitize: $(VENV)/.installed-dev  ## the kernels' tests under the address and undefined-behavior sanitizers; needs g++
	rm -rf build/sanitize
	$(BIN)/pip install --disable-pip-version-check -q --no-deps --target build/sanitize --config-settings=cmake.build-type=Debug \
		"--config-settings=cmake.define.CMAKE_CXX_FLAGS=-fsanitize=address,undefined -fno-sanitize-recover=undefined -D_GLIBCXX_ASSERTIONS" .
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 \
		PYTHONPATH="build/sanitize:$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
		$(BIN)/python -P -S -m pytest --import-mode=append tests/render/test_native.py tests/encode/test_native.py \
		tests/pose/readers/test_native.py tests/pose/readers/test_json_numbers.py

fuzz: build/fuzz/json_numbers build/fuzz/encoders  ## libFuzzer, with FUZZ_RUNS= inputs each, or for FUZZ_SECONDS=; needs clang, libzstd and zlib
	for target in $^; do mkdir -p $$target.corpus && \
		$$target -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_SECONDS) -max_len=300 -print_final_stats=1 $$target.corpus \
		|| exit 1; done

peers:  ## what some tests compare heatsvc with: MMAction2, old NumPy, 600 real clips (1.6 GB)
	benchmarks/peers/install.sh
	benchmarks/peers/install_numpy1.sh
	benchmarks/peers/install_spoken.sh

bench: $(VENV)/.installed-dev  ## heatsvc and its peers; rewrites benchmarks/README.md
	benchmarks/peers/install.sh
	$(BIN)/python -m benchmarks.bench

bench-first-release: $(VENV)/.installed-dev  ## the kernels beside those of heatsvc 0.1.0, from the repository's history
	$(BIN)/python -m benchmarks.first_release

bench-instructions: $(VENV)/.installed-dev  ## instructions of each stage of a request; needs valgrind
	$(BIN)/python -m benchmarks.instructions --write

bench-startup: $(VENV)/.installed-dev  ## time until the first response, beside a bare FastAPI app
	$(BIN)/python -m benchmarks.startup

bench-gpu: $(VENV)/.installed-dev  ## a GPU beside its peers; needs one
	$(BIN)/python -m benchmarks.gpu

bench-annotation: $(VENV)/.installed-dev  ## a dataset of KETI's size; needs 7 GB of disk
	$(BIN)/python -m benchmarks.annotation

bench-workers: $(VENV)/.installed-dev  ## one worker process and two: processor time per request, memory
	$(BIN)/python -m benchmarks.workers

bench-overload: $(VENV)/.installed-dev  ## one worker with more requests than it can serve; COMMAND= measures another server, too
	$(BIN)/python -m benchmarks.overload --write $(if $(call given,COMMAND),--command '$(COMMAND)')

soak: $(VENV)/.installed-dev  ## a mixed load for 15 minutes, and whether memory grows
	$(BIN)/python -m benchmarks.soak --write

kill-rounds: $(VENV)/.installed-dev  ## kill -9 on build workers, a hundred times at random moments
	HEATSVC_TEST_KILL_ROUNDS=100 $(BIN)/python -m pytest -m "" tests/durable/test_kills.py

pictures: $(VENV)/.installed-dev  ## the pictures of the README and of docs/, from a clip of the tests
	$(BIN)/python docs/make_images.py

docs: $(VENV)/.installed-dev  ## the documentation site, in site/; fails on a link that leads nowhere
	$(BIN)/zensical build --clean --strict

openapi: $(VENV)/.installed-dev  ## write openapi/openapi.json and the tables of docs/
	$(BIN)/heatsvc openapi > openapi/openapi.json
	$(BIN)/python docs/make_tables.py

clean:  ## delete what the other targets made
	rm -rf $(VENV) build dist site .cache *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

build/fuzz/json_numbers: src/json_numbers.cpp
# What the encoders compare is lengths and bounds, no text to be found in inputs; to record it doubles the time.
build/fuzz/encoders: FUZZ_FLAGS = -fno-sanitize-coverage=trace-cmp
build/fuzz/encoders: src/checksums.cpp src/deflate.cpp src/runs.cpp $(wildcard src/zstd_*.cpp)
build/fuzz/%: fuzz/%.cpp $(wildcard src/*.h)
	mkdir -p build/fuzz
	$(CLANG) -std=c++20 -O1 -g -Isrc -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS \
		$(FUZZ_FLAGS) $(filter %.cpp,$^) -lzstd -lz -o $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "heatsvc needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt CMakeLists.txt $(wildcard src/*) | $(VENV)/bin/python
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt CMakeLists.txt $(wildcard src/*) | $(VENV)/bin/python
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,docs]'
	@touch $@ $(VENV)/.installed
