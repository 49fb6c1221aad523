# SPDX-License-Identifier: Apache-2.0
# sp-openstack: build, test, install. GNU make; everything built goes to build/ and ./sp-openstack.

VERSION := 0.1.0
PREFIX  ?= /usr/local
CC      ?= cc
BUILD   ?= build
PKGS    := libgit2 libarchive libpcre2-8 yaml-0.1 zlib

PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wold-style-definition \
        -Wimplicit-fallthrough -Wnull-dereference
HARDEN := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
OPT    ?= -O2 -g
CFLAGS ?=
# gcc warns of code that a sanitizer put in itself: no errors then
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DSP_VERSION='"$(VERSION)"' -DSP_DATADIR='"$(PREFIX)/share/sp-openstack"' \
             $(OPT) $(WARN) $(HARDEN) $(SAN) $(if $(SAN),-Wno-error) -iquote src $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)

SRC  := $(sort $(wildcard src/*.c))
OBJ  := $(SRC:src/%.c=$(BUILD)/%.o)
LIBOBJ := $(filter-out $(BUILD)/main.o,$(OBJ))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
UNITBIN := $(UNIT:tests/unit/%.c=$(BUILD)/unit/%)

FUZZ := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZBIN := $(FUZZ:tests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_SECONDS ?= 60
CLANG ?= clang

.PHONY: all check-manifests check-packages check-trees check-unit demo check-fuzz fuzz clean format format-check

all: sp-openstack

sp-openstack: $(BUILD)/sp-openstack
	cp -f $< $@

$(BUILD)/sp-openstack: $(OBJ)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# all modules but main, so that a unit test links what it needs
$(BUILD)/libsp.a: $(LIBOBJ)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libsp.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libsp.a $(PKG_LIBS) $(shell pkg-config --libs cmocka)

check-unit: $(UNITBIN)
	@for t in $(UNITBIN); do echo "== $$t"; $$t || exit 1; done

# each harness on its corpus, with any compiler
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c tests/fuzz/fuzz.h $(BUILD)/libsp.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< tests/fuzz/replay.c $(BUILD)/libsp.a $(PKG_LIBS)

check-fuzz: $(FUZZBIN)
	@for t in $(FUZZBIN); do $$t tests/fuzz/corpus/$${t##*/fuzz_}/* || exit 1; done

# libFuzzer: new inputs go to $(BUILD)-fuzz/, findings too
fuzz:
	$(MAKE) CC=$(CLANG) BUILD=$(BUILD)-fuzz SAN='-fsanitize=address,undefined,fuzzer-no-link' fuzz-run

.PHONY: fuzz-run
fuzz-run: $(BUILD)/libsp.a
	@for t in $(FUZZ); do \
	    n=$${t##*/fuzz_}; n=$${n%.c}; mkdir -p $(BUILD)/corpus/$$n; \
	    $(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $(BUILD)/fuzz_$$n $$t $(BUILD)/libsp.a $(PKG_LIBS) && \
	    $(BUILD)/fuzz_$$n -max_total_time=$(FUZZ_SECONDS) -timeout=30 -rss_limit_mb=4096 -max_len=4096 \
	        -artifact_prefix=$(BUILD)/$$n- $(BUILD)/corpus/$$n tests/fuzz/corpus/$$n || exit 1; \
	done

# the manifests as a set: every version belongs to one release
check-manifests:
	python3 tests/trees/versions.py $(if $(GIT),--git $(GIT))

# the whole cycle on real releases: make check-trees GIT=DIR, with clones of cinder, nova, os-brick
check-trees: sp-openstack
	$(if $(GIT),,$(error say where the clones are: make check-trees GIT=DIR))
	python3 tests/trees/versions.py --git $(GIT)
	python3 tests/trees/run.py --git $(GIT) $(TREES)

# ... and on those that the package index has
check-packages: sp-openstack
	python3 tests/trees/packages.py

demo: sp-openstack
	sh tests/trees/demo.sh

format:
	clang-format -i src/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch]

format-check:
	clang-format --dry-run --Werror src/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch]

clean:
	rm -rf $(BUILD) sp-openstack

-include $(OBJ:.o=.d)
