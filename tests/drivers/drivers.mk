# SPDX-License-Identifier: Apache-2.0
#: make check-upstream      upstream's tests of its drivers with ours, in Pike; GIT=DIR, WRITE=1 (upstream.md)
.PHONY: check-upstream
check-upstream: all
	@$(PYTHON3) -B tests/drivers/upstream.py --program '$(CURDIR)/sp-openstack' $(if $(GIT),--git '$(GIT)') $(if $(WRITE),--write)
