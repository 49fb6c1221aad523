# SPDX-License-Identifier: Apache-2.0
# Every check: the suites, the instrumented builds, the analysers, the benchmarks. Included by Makefile.

UNIT    := $(sort $(wildcard tests/unit/*/test_*.c))
UNITBIN := $(UNIT:tests/unit/%.c=$(BUILD)/unit/%)
FUZZ    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZBIN := $(FUZZ:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FORMAT   = $(sort $(wildcard src/*.[ch] src/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch]))

CMOCKA     = $(eval CMOCKA := $(shell pkg-config --cflags --libs cmocka 2>/dev/null))$(CMOCKA)

.PHONY: check suites check-unit check-cli check-fuzz check-manifests check-docs check-drivers check-drivers-light \
        check-trees check-lives check-same check-ci check-packages check-fault check-power check-asan check-valgrind check-static instrumented \
        coverage coverage-run fuzz fuzz-run analyze analyze-run analyze-cppcheck format format-check bench bench-run

# all modules but main, so that a unit test links what it needs
$(BUILD)/libsp.a: $(LIBOBJ)
	$(note) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# the fixture and main() of every unit test
$(BUILD)/unit/support.o: tests/unit/support.c tests/unit/support.h $(BUILD)/flags
	$(note) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/unit/support.o $(BUILD)/libsp.a
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(BUILD)/unit/support.o \
	    $(BUILD)/libsp.a $(PKG_LIBS) $(CMOCKA)

# ---- suites -------------------------------------------------------------------------------------
# Each suite closes with `N passed, N failed, N skipped`; tests/suites.py runs several and sums up.

SUITES = unit='tests/unit/run.sh $(UNITBIN)' \
         $(if $(FUZZ),fuzz='tests/fuzz/run.sh $(FUZZBIN)') \
         cli='tests/cli/run.sh' \
         drivers='tests/drivers/run-light.sh' \
         hardening='tests/test_hardening.sh' \
         manifests='tests/test_manifests.sh' \
         releases='$(PYTHON3) -B tests/trees/versions.py' \
         docs='tests/test_docs.sh' \
         layers='$(PYTHON3) -B tests/test_layers.py' \
         source='$(PYTHON3) -B tests/test_source.py' \
         messages='$(PYTHON3) -B tests/test_messages.py' \
         format='tools/format.sh --check $(FORMAT)'

#: make check               setup, build, all tests that need no clones and little network
# The set-up comes first and alone: what make would find out about the libraries before it is wrong.
check: setup
	@$(MAKE) suites

suites: all $(UNITBIN) $(FUZZBIN)
	@env -u MAKEFLAGS -u MAKELEVEL $(PYTHON3) tests/suites.py $(SUITES)

#: make check-unit          the unit tests alone (cmocka); V=1 shows all of their output
check-unit: $(UNITBIN)
	@tests/unit/run.sh $(UNITBIN)

#: make check-cli           the whole program on small roots
check-cli: all
	@env -u MAKEFLAGS -u MAKELEVEL tests/cli/run.sh

#: make check-manifests     the manifests, checked by the program itself
check-manifests: all
	@tests/test_manifests.sh

#: make check-docs          what the man page, README and completion say against the program
check-docs: all
	@tests/test_docs.sh

#: make check-drivers       the drivers in the real releases, against a simulated cluster; GIT=DIR
check-drivers: all
	@$(PYTHON3) -B tests/drivers/matrix.py --program '$(CURDIR)/sp-openstack' $(if $(GIT),--git '$(GIT)') $(RELEASES)

#: make check-drivers-light the same without OpenStack: what `make check` runs
check-drivers-light:
	@tests/drivers/run-light.sh

#: make check-packages      the whole cycle on every Mitaka to Pike release of the package index
check-packages: all
	@$(PYTHON3) -B tests/trees/packages.py $(PATTERN)

#: make check-trees GIT=DIR the whole cycle on clones of cinder, nova and os-brick
check-trees: all
	@$(PYTHON3) -B tests/trees/versions.py $(if $(GIT),--git '$(GIT)')
	@test -n '$(GIT)' || { echo 'make check-trees: name the directory with the clones: GIT=DIR' >&2; exit 2; }
	@$(PYTHON3) -B tests/trees/run.py --git '$(GIT)' $(PATTERN)

#: make check-same GIT=DIR  one release as directory, repository, source distribution and wheel: one answer
check-same: all
	@test -n '$(GIT)' || { echo 'make check-same: name the directory with the clones: GIT=DIR' >&2; exit 2; }
	@$(PYTHON3) -B tests/trees/same.py --git '$(GIT)'

#: make check-ci GIT=DIR    the jobs of doc/ci.md, each in a minimal Debian of its own; root
check-ci:
	@test -n '$(GIT)' || { echo 'make check-ci: name the directory with the clones: GIT=DIR' >&2; exit 2; }
	@tools/setup.sh debootstrap
	@$(PYTHON3) -B tests/ci/jobs.py --git '$(GIT)'

#: make check-lives GIT=DIR hosts through upgrades, removals, other tools and other hands, on clones
check-lives: all
	@test -n '$(GIT)' || { echo 'make check-lives: name the directory with the clones: GIT=DIR' >&2; exit 2; }
	@$(PYTHON3) -B tests/trees/lives.py --git '$(GIT)' $(LIFE)

#: make check-fault         every call that changes something fails, crashes, or meets a package upgrade;
#:                          the same as on a kernel 3.10; GIT=DIR or SITE=DIR. TMPDIR=/dev/shm is fast
check-fault: all
	@$(MAKE) BUILD=build-fault CPPFLAGS=-DSP_FAULT DATADIR='$(CURDIR)' build-fault/sp-openstack \
	    build-fault/old_kernel
	@$(PYTHON3) tests/suites.py faults='$(FAULT_RUN)/run.py $(FAULT_TREES) $(FAULT)' \
	    races='$(FAULT_RUN)/race.py $(FAULT_TREES) $(RACE)' \
	    faults-3.10='$(FAULT_RUN)/run.py $(OLD_KERNEL) $(FAULT_TREES) $(FAULT)' \
	    races-3.10='$(FAULT_RUN)/race.py $(OLD_KERNEL) $(FAULT_TREES) $(RACE)'

#: make check-power         loss of power at every write, on ext4, XFS and btrfs; GIT=DIR or SITE=DIR;
#:                          POWER='--quick N' takes every Nth state only, '--release pike' other packages
check-power: all
	@tools/setup.sh fuse3 mkfs.ext4 mkfs.xfs mkfs.btrfs
	@$(MAKE) BUILD=build-fault CPPFLAGS=-DSP_FAULT DATADIR='$(CURDIR)' build-fault/sp-openstack \
	    build-fault/recorder build-fault/nosync.so
	@$(PYTHON3) -B tests/power/run.py --program ./sp-openstack --fault-program build-fault/sp-openstack \
	    --recorder build-fault/recorder --nosync build-fault/nosync.so $(FAULT_FROM) $(POWER)

# the disk that records what is written to it
$(BUILD)/recorder: tests/power/recorder.c $(BUILD)/flags
	$(note) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $$(pkg-config --cflags --libs fuse3)

$(BUILD)/nosync.so: tests/power/nosync.c $(BUILD)/flags
	$(note) CC $<
	$(Q)$(CC) -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $<

FAULT_RUN   = $(PYTHON3) -B tests/fault
FAULT_FROM  = $(if $(GIT),--git "$(GIT)") $(if $(SITE),--site "$(SITE)")
FAULT_TREES = --fault-program build-fault/sp-openstack $(FAULT_FROM)
OLD_KERNEL  = --old-kernel build-fault/old_kernel

# runs a program as on an old kernel
$(BUILD)/old_kernel: tests/fault/old_kernel.c $(BUILD)/flags
	$(note) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

# A build of its own for each kind of instrumented code.
ASAN     := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
            --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes

#: make check-asan          unit and program tests under the address and undefined-behaviour sanitizers
check-asan:
	@$(MAKE) BUILD=build-asan OPT='-O1 -g' SAN='$(ASAN)' instrumented

#: make check-valgrind      the same under valgrind; CLI='-k PART' takes a part of the program tests,
#:                          CLI='--quick N' every Nth
check-valgrind:
	@tools/setup.sh valgrind
	@$(MAKE) BUILD=build-valgrind OPT='-O1 -g' WRAP='$(VALGRIND)' CLI='$(CLI)' instrumented

instrumented: $(PROGRAM) $(UNITBIN) $(FUZZBIN)
	@env -u MAKEFLAGS -u MAKELEVEL WRAP='$(WRAP)' \
	    ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1 \
	    tests/instrument.sh '$(PROGRAM)' \
	    unit='tests/unit/run.sh $(UNITBIN)' \
	    $(if $(FUZZ),fuzz='tests/fuzz/run.sh $(FUZZBIN)') \
	    cli='tests/cli/run.sh "$$TOOL" $(CLI)'

#: make coverage            the share of src/ that the tests run, and the lines that they don't; GIT=DIR
COVERAGE := OPT='-Og -g' CFLAGS=--coverage LDFLAGS=--coverage
coverage:
	@$(MAKE) BUILD=build-coverage/fault $(COVERAGE) CPPFLAGS=-DSP_FAULT DATADIR='$(CURDIR)' \
	    build-coverage/fault/sp-openstack build-coverage/fault/old_kernel
	@$(MAKE) BUILD=build-coverage $(COVERAGE) coverage-run

coverage-run: $(PROGRAM) $(UNITBIN) $(FUZZBIN)
	@status=0; env -u MAKEFLAGS -u MAKELEVEL tests/coverage.sh $(PROGRAM) $(BUILD)/fault/sp-openstack \
	    $(if $(GIT),--git '$(GIT)') $(if $(SITE),--site '$(SITE)') -- $(UNITBIN) $(FUZZBIN) || status=$$?; \
	$(PYTHON3) -B tests/coverage.py --minimum 90 $(BUILD) && exit $$status

# each harness on its corpus, with any compiler
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(wildcard tests/fuzz/*.h) $(BUILD)/libsp.a
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< tests/fuzz/replay.c $(BUILD)/libsp.a $(PKG_LIBS)

#: make check-fuzz          the fuzzers' corpora, replayed
check-fuzz: $(FUZZBIN)
	@tests/fuzz/run.sh $(FUZZBIN)

#: make fuzz                the fuzzers themselves (clang), FUZZ_SECONDS each; findings in build-fuzz/
FUZZ_SECONDS ?= 60
fuzz:
	@tools/setup.sh clang
	@tools/setup.sh clang-rt
	@$(MAKE) CC='$(CLANG)' BUILD=build-fuzz \
	    SAN='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all' fuzz-run

fuzz-run: $(BUILD)/libsp.a
	@for t in $(FUZZ); do \
	    n=$${t##*/fuzz_}; n=$${n%.c}; mkdir -p $(BUILD)/corpus/$$n; \
	    $(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $(BUILD)/fuzz_$$n $$t $(BUILD)/libsp.a $(PKG_LIBS) && \
	    $(BUILD)/fuzz_$$n -max_total_time=$(FUZZ_SECONDS) -timeout=30 -rss_limit_mb=4096 -max_len=8192 \
	        -malloc_limit_mb=9000 \
	        -artifact_prefix=$(BUILD)/$$n- $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n || exit 1; \
	done

#: make check-static        the program tests with the static program
check-static: setup static
	@env -u MAKEFLAGS -u MAKELEVEL tests/cli/run.sh build-static/sp-openstack

# ---- looking at the source -----------------------------------------------------------------------

#: make analyze             clang-tidy, cppcheck and gcc's analyzer; any finding fails it
analyze:
	@tools/setup.sh clang-tidy cppcheck
	@$(MAKE) CC=gcc BUILD=build-analyze OPT='-O2 -g -fanalyzer' WERROR=-Werror analyze-run

analyze-run: analyze-cppcheck $(OBJ) $(SRC:src/%.c=$(BUILD)/tidy/%)

analyze-cppcheck:
	$(note) CHECK src
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,performance,portability --suppress=missingIncludeSystem \
	    -D_GNU_SOURCE -I src src

$(BUILD)/tidy/%: src/%.c $(wildcard src/*/*.h) .clang-tidy $(BUILD)/flags
	@mkdir -p $(@D)
	$(note) TIDY $<
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $< -- \
	    $(filter-out -fanalyzer,$(ALL_CFLAGS)) $(OWN_CFLAGS) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

#: make format              lay the C source out by .clang-format; format-check only looks
format:
	@tools/format.sh $(FORMAT)

format-check:
	@tools/format.sh --check $(FORMAT)

#: make bench               measure the static program; GIT=DIR takes the trees from clones
bench:
	@tools/setup.sh valgrind strace
	@$(MAKE) static
	@$(MAKE) bench-run

BENCH = --program build-static/sp-openstack --measure $(BUILD)/measure $(if $(GIT),--git '$(GIT)')
bench-run: $(BUILD)/measure
	@$(PYTHON3) tests/suites.py \
	    host='$(PYTHON3) -B tests/bench/bench.py $(BENCH) $(BENCHFLAGS)' \
	    $(if $(GIT),matrix='$(PYTHON3) -B tests/bench/matrix.py $(BENCH)')

$(BUILD)/measure: tests/bench/measure.c $(BUILD)/flags
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

include tests/config/config.mk
include tests/upgrades/upgrades.mk
