# SPDX-License-Identifier: Apache-2.0
# The readers of configuration files, compared with the libraries that they follow. Included by tests/tests.mk.

.PHONY: check-config

# the readers' view as JSON
$(BUILD)/config_dump: tests/config/dump.c $(BUILD)/libsp.a
	$(note) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(BUILD)/libsp.a $(PKG_LIBS)

#: make check-config        the readers of cinder.conf and storpool.conf against oslo.config and confget;
#:                          CONFIG='--files N --seed N'
check-config: all $(BUILD)/config_dump
	@$(PYTHON3) -B tests/config/run.py --dump $(BUILD)/config_dump $(CONFIG)
