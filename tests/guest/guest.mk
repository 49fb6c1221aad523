# SPDX-License-Identifier: Apache-2.0
#: make check-guest         nova, libvirt and a running guest, for root; GIT=DIR, QUICK=1, RELEASES, LOGS=DIR
.PHONY: check-guest
check-guest: all
	@$(PYTHON3) -B tests/guest/run.py --program '$(CURDIR)/sp-openstack' $(if $(GIT),--git '$(GIT)') $(if $(QUICK),--quick) $(if $(LOGS),--logs '$(LOGS)') $(RELEASES)
