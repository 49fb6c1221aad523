# SPDX-License-Identifier: Apache-2.0

.PHONY: check-upgrades

#: make check-upgrades      dpkg, apt, rpm and dnf upgrade packages that hold the real trees, in roots of
#:                          their own, with our package in them; root; GIT=DIR; QUICK=1; ONLY=PART;
#:                          RELEASES='pike mitaka'; KILL=N: of the kills between two system calls that
#:                          change something every Nth (1); DPKG=DIR, RPM=DIR: with one of another version
check-upgrades:
	@tools/setup.sh debootstrap strace rpmbuild dnf createrepo_c busybox debsums apt-ftparchive
	@$(MAKE) deb rpm >/dev/null
	@$(PYTHON3) -B tests/upgrades/upgrades.py --dist '$(CURDIR)/dist' $(if $(GIT),--git '$(GIT)') \
	    $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') $(if $(KILL),--kill '$(KILL)') \
	    $(if $(DPKG),--dpkg '$(DPKG)') $(if $(RPM),--rpm '$(RPM)') $(RELEASES)
