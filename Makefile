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
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DSP_VERSION='"$(VERSION)"' -DSP_DATADIR='"$(PREFIX)/share/sp-openstack"' \
             $(OPT) $(WARN) $(HARDEN) $(SAN) -Isrc $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)

SRC  := $(sort $(wildcard src/*.c))
OBJ  := $(SRC:src/%.c=$(BUILD)/%.o)
LIBOBJ := $(filter-out $(BUILD)/main.o,$(OBJ))
UNIT := $(sort $(wildcard tests/unit/test_*.c))
UNITBIN := $(UNIT:tests/unit/%.c=$(BUILD)/unit/%)

.PHONY: all check-unit clean format format-check

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

format:
	clang-format -i src/*.[ch] tests/unit/*.c

format-check:
	clang-format --dry-run --Werror src/*.[ch] tests/unit/*.c

clean:
	rm -rf $(BUILD) sp-openstack

-include $(OBJ:.o=.d)
