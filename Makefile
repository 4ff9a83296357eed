# Thin: everything is done by the CMake presets and the scripts named here.
#
#   PRESET=dev|release|asan|tsan|fuzz|dev-clang   what `make build` builds
#   INSTALL=no                                    only check for missing packages
#   MINUTES=60                                    how long `make soak` lasts
#   CHECK=1                                       `make demo`: verify it and exit 0 or 1

PRESET ?= dev
MAKEFLAGS += --no-print-directory

.PHONY: help build demo test check bench soak format clean

help:
	@echo "make demo     build an edge and start it with services and three sessions (CHECK=1: verify, exit)"
	@echo "make test     build, run all tests"
	@echo "make build    build into build/PRESET (PRESET=$(PRESET); release, asan, tsan, fuzz, dev-clang)"
	@echo "make check    formatting and static checks"
	@echo "make bench    measure beside other servers"
	@echo "make soak     mixed load for MINUTES (60), backends killed and restarted: nothing lost, nothing leaked"
	@echo "make format   format the sources"
	@echo "make clean    remove build/"
	@echo
	@echo "Missing Debian packages are installed first; INSTALL=no only lists them."

build:
	@tools/setup build $(if $(filter asan tsan fuzz dev-clang,$(PRESET)),check)
	@tools/build $(PRESET)

demo:
	@tools/setup build demo
	@tools/build release
	@CHECK=$(CHECK) LINKUP_BUILD=$(CURDIR)/build/release demo/run

test:
	@tools/setup build test
	@tools/build dev || { echo '0 passed, 1 failed'; exit 1; }
	@tools/test dev

check:
	@tools/setup build check
	@tools/check

bench:
	@tools/setup build test bench
	@tools/build release
	@LINKUP_BUILD=$(CURDIR)/build/release tests/bench/run

soak:
	@tools/setup build test
	@tools/build release
	@LINKUP_BUILD=$(CURDIR)/build/release tools/soak $(MINUTES)

format:
	@tools/setup check
	@git ls-files -co --exclude-standard -- '*.c' '*.h' | xargs -r clang-format -i

clean:
	rm -rf build
