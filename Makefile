# SPDX-License-Identifier: Apache-2.0
# sp-openstack: build, test, install. GNU make; `make help` lists the targets. What is built goes to
# build/ (build-asan/, ... for the others) and, as the program to use, to ./sp-openstack.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DATADIR ?= $(PREFIX)/share/sp-openstack
BUILD   ?= build
CC      ?= cc
CLANG   ?= clang
PYTHON3 ?= python3
PKGS    := libgit2 libarchive libpcre2-8 yaml-0.1 zlib

# V=1 shows the commands.
ifeq ($(V),1)
Q :=
note = @:
else
Q := @
note = @printf '  %-6s %s\n'
MAKEFLAGS += --no-print-directory
endif
export V

# pkg-config is asked once, and only when something is compiled: it need not be there before.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null))$(PKG_LIBS)
CMOCKA     = $(eval CMOCKA := $(shell pkg-config --cflags --libs cmocka 2>/dev/null))$(CMOCKA)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wold-style-definition \
        -Wimplicit-fallthrough -Wnull-dereference
# A compiler of tomorrow may warn of more, and still build it. gcc also warns of code that a
# sanitizer put in itself.
WERROR := $(if $(CI),$(if $(SAN),,-Werror))
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OPT    ?= -O2 -g
CFLAGS ?=
ALL_CFLAGS  = -std=c17 -D_GNU_SOURCE $(OPT) $(WARN) $(WERROR) $(HARDEN) $(SAN) -iquote src \
              $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
# only these two know where they are installed, and which version they are
OWN_CFLAGS  = -DSP_VERSION='"$(VERSION)"' -DSP_DATADIR='"$(DATADIR)"'
OWN_OBJ     = $(BUILD)/main.o $(BUILD)/cli/context.o $(BUILD)/txn/transaction.o

SRC     := $(sort $(wildcard src/*.c src/*/*.c))
OBJ     := $(SRC:src/%.c=$(BUILD)/%.o)
LIBOBJ  := $(filter-out $(BUILD)/main.o,$(OBJ))
UNIT    := $(sort $(wildcard tests/unit/*/test_*.c))
UNITBIN := $(UNIT:tests/unit/%.c=$(BUILD)/unit/%)
FUZZ    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZBIN := $(FUZZ:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FORMAT   = $(sort $(wildcard src/*.[ch] src/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch]))
PROGRAM  = $(BUILD)/sp-openstack

.PHONY: all help setup static check check-static suites check-unit check-cli check-fuzz check-manifests check-docs \
        check-drivers check-drivers-light check-trees check-packages check-fault check-asan check-valgrind \
        fuzz fuzz-run analyze analyze-run analyze-cppcheck format format-check \
        bench demo install uninstall dist \
        clean FORCE

# ---- building ------------------------------------------------------------------------------------

all: sp-openstack

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

#: make all                 build ./sp-openstack
#: make setup               install what building and testing need, where it is missing (apt, dnf)
#: make demo                setup, build, and show it at work on real os-bricks
#: make check               setup, build, all tests that need no clones and little network
#: make install             to PREFIX (/usr/local), below DESTDIR; STATIC=1: that of `make static`;
#:                          `make uninstall` takes it out
#: make bench               measure; GIT=DIR takes the trees from clones

sp-openstack: $(PROGRAM)
	$(Q)cp -f $< $@

$(PROGRAM): $(OBJ)
	$(note) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/%.o: src/%.c $(BUILD)/flags
	$(note) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(filter $@,$(OWN_OBJ)),$(OWN_CFLAGS)) -MMD -MP -c -o $@ $<

$(OWN_OBJ): $(BUILD)/flags-own

# Other flags than the last time: everything is built anew. What make itself needs is looked for
# here, too: this comes before anything is compiled.
$(BUILD)/flags: FORCE
	@$(if $(PKG_LIBS),,tools/setup.sh --check-build || exit 1;) mkdir -p $(sort $(dir $(OBJ) $(UNITBIN) $(FUZZBIN))); \
	printf '%s\n' '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PKG_LIBS))' >$@.new; \
	if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi

$(BUILD)/flags-own: FORCE $(BUILD)/flags
	@printf '%s\n' '$(subst ','\'',$(OWN_CFLAGS))' >$@.new; \
	if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi

# all modules but main, so that a unit test links what it needs
$(BUILD)/libsp.a: $(LIBOBJ)
	$(note) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libsp.a
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libsp.a \
	    $(PKG_LIBS) $(CMOCKA)

setup:
	@tools/setup.sh

#: make static              build-static/sp-openstack, which needs no libraries on the host (musl; on Debian)
#: make check-static        the program tests with that one
static:
	@tools/setup.sh musl-gcc cmake
	@tools/static.sh build-static
	@$(MAKE) BUILD=build-static CC=musl-gcc LDFLAGS='$(STATIC_LINK)' \
	    PKG_CFLAGS='-Ibuild-static/include -DYAML_DECLARE_STATIC -idirafter build-static/kernel' \
	    PKG_LIBS='-Lbuild-static/lib -lgit2 -larchive -lpcre2-8 -lyaml -lhttp_parser -lzstd -llzma -lbz2 -lz \
	        build-static/link/crtendS.o build-static/link/crtn.o' build-static/sp-openstack

# Debian's musl-gcc links no position-independent static program by itself.
STATIC_LINK = -static -nostartfiles $(addprefix build-static/link/,rcrt1.o crti.o crtbeginS.o) \
              -Wl,-pie,--no-dynamic-linker,-z,text

check-static: setup static
	@env -u MAKEFLAGS -u MAKELEVEL tests/cli/run.sh build-static/sp-openstack

# ---- testing -------------------------------------------------------------------------------------
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
         format='tools/format.sh --check $(FORMAT)'

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

#: make check-fault         every call that changes something fails, crashes, or meets a package upgrade;
#:                          the same as on a kernel 3.10; GIT=DIR or SITE=DIR. TMPDIR=/dev/shm is fast
check-fault: all
	@$(MAKE) BUILD=build-fault CPPFLAGS=-DSP_FAULT DATADIR='$(CURDIR)' build-fault/sp-openstack \
	    build-fault/old_kernel
	@$(PYTHON3) tests/suites.py faults='$(FAULT_RUN)/run.py $(FAULT_TREES) $(FAULT)' \
	    races='$(FAULT_RUN)/race.py $(FAULT_TREES) $(RACE)' \
	    faults-3.10='$(FAULT_RUN)/run.py $(OLD_KERNEL) $(FAULT_TREES) $(FAULT)' \
	    races-3.10='$(FAULT_RUN)/race.py $(OLD_KERNEL) $(FAULT_TREES) $(RACE)'

FAULT_RUN   = $(PYTHON3) -B tests/fault
FAULT_TREES = --fault-program build-fault/sp-openstack $(if $(GIT),--git "$(GIT)") \
              $(if $(SITE),--site "$(SITE)")
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

#: make check-valgrind      the same under valgrind; CLI='-k PART' takes a part of the program tests
check-valgrind:
	@tools/setup.sh valgrind
	@$(MAKE) BUILD=build-valgrind OPT='-O1 -g' WRAP='$(VALGRIND)' CLI='$(CLI)' instrumented

.PHONY: instrumented
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

.PHONY: coverage coverage-run
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

bench:
	@tools/setup.sh
	@$(MAKE) bench-run

.PHONY: bench-run
bench-run: all $(BUILD)/empty $(BUILD)/measure
	@$(PYTHON3) -B tests/bench/bench.py --empty $(BUILD)/empty --measure $(BUILD)/measure \
	    $(if $(GIT),--git '$(GIT)') $(BENCHFLAGS)

# linked to the same libraries, to tell what the loader alone takes
$(BUILD)/empty: tests/bench/empty.c $(BUILD)/flags
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wl,--no-as-needed -o $@ $< $(PKG_LIBS)

$(BUILD)/measure: tests/bench/measure.c $(BUILD)/flags
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

demo: setup
	@$(MAKE) all
	@tests/trees/demo.sh

# ---- installing ----------------------------------------------------------------------------------

SHARE := $(DESTDIR)$(DATADIR)
MAN   := $(DESTDIR)$(PREFIX)/share/man/man8
BASHC := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
SBIN  := $(DESTDIR)$(PREFIX)/sbin
PARTS := cinder nova os_brick

install: $(if $(STATIC),static,all)
	$(note) INST '$(DESTDIR)$(PREFIX)'
	$(Q)umask 022 && install -d '$(SBIN)' '$(SHARE)/manifests' $(PARTS:%='$(SHARE)/drivers/%') \
	    '$(MAN)' '$(BASHC)'
	$(Q)install -m 0755 $(if $(STATIC),build-static/)sp-openstack '$(SBIN)/sp-openstack'
	$(Q)install -m 0644 manifests/*.yaml '$(SHARE)/manifests/'
	$(Q)for part in $(PARTS); do \
	    install -m 0644 drivers/$$part/*.py '$(SHARE)/drivers/'$$part/ || exit 1; done
	$(Q)install -m 0644 doc/sp-openstack.8 '$(MAN)/sp-openstack.8'
	$(Q)install -m 0644 completions/sp-openstack '$(BASHC)/sp-openstack'

uninstall:
	$(note) RM '$(DESTDIR)$(PREFIX)'
	$(Q)rm -f '$(SBIN)/sp-openstack' '$(MAN)/sp-openstack.8' '$(BASHC)/sp-openstack'
	$(Q)rm -rf '$(SHARE)/manifests' '$(SHARE)/drivers'
	$(Q)test ! -d '$(SHARE)' || rmdir '$(SHARE)'

#: make dist                sp-openstack-VERSION.tar.gz of what is committed
dist:
	git archive --prefix=sp-openstack-$(VERSION)/ -o sp-openstack-$(VERSION).tar.gz HEAD

#: make clean               remove what was built
clean:
	rm -rf $(BUILD) build-asan build-valgrind build-analyze build-fault build-fuzz \
	    build-coverage build-static sp-openstack sp-openstack-*.tar.gz

-include $(OBJ:.o=.d) $(UNITBIN:=.d)
