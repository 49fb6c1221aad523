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
PKGS    := libgit2 libarchive libpcre2-8 yaml-0.1

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
# the one object that knows the version and where the data is installed
OWN_CFLAGS  = -DSP_VERSION='"$(VERSION)"' -DSP_DATADIR='"$(DATADIR)"'
OWN_OBJ     = $(BUILD)/base/build.o

SRC     := $(sort $(wildcard src/*.c src/*/*.c))
OBJ     := $(SRC:src/%.c=$(BUILD)/%.o)
LIBOBJ  := $(filter-out $(BUILD)/main.o,$(OBJ))
PROGRAM  = $(BUILD)/sp-openstack

.PHONY: all help setup demo install uninstall dist clean FORCE

# ---- building ------------------------------------------------------------------------------------

all: sp-openstack

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make all                 build ./sp-openstack
#: make setup               install what building and testing need, where it is missing (apt, dnf)
#: make demo                setup, build, and show it at work on real os-bricks
#: make install             to PREFIX (/usr/local), below DESTDIR; STATIC=1: that of `make static`;
#:                          `make uninstall` takes it out

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

setup:
	@tools/setup.sh

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
	    build-coverage build-static dist sp-openstack sp-openstack-*.tar.gz

include tests/tests.mk tests/drivers/drivers.mk tests/services/services.mk tests/guest/guest.mk tools/static.mk packaging/packages.mk
include ansible/ansible.mk

-include $(OBJ:.o=.d) $(UNITBIN:=.d)
