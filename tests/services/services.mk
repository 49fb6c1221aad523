# SPDX-License-Identifier: Apache-2.0

.PHONY: check-services

#: make check-services      the real services of each release, against a simulated cluster with block
#:                          devices; root; GIT=DIR; RELEASES='pike mitaka'; QUICK=1; ONLY=PATTERN;
#:                          JOBS=2: as many releases at once; SUMMARY=FILE: a table
check-services: all
	@$(PYTHON3) -B tests/services/test_parts.py
	@$(PYTHON3) -B tests/services/run.py --program '$(CURDIR)/sp-openstack' $(if $(GIT),--git '$(GIT)') \
	    $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)') $(if $(KEEP),--keep '$(KEEP)') \
	    $(if $(JOBS),--jobs '$(JOBS)') $(if $(SUMMARY),--summary '$(SUMMARY)') $(RELEASES)
