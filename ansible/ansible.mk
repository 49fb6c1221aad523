# SPDX-License-Identifier: Apache-2.0
# The Ansible collection: its archive and its tests. Included by Makefile.

.PHONY: collection check-ansible bench-ansible

ANSIBLE_GALAXY ?= ansible-galaxy
COLLECTION_DIR ?= dist

#: make collection          dist/: the Ansible collection, for `ansible-galaxy collection install`
collection:
	@grep -qx 'version: $(VERSION)' ansible/galaxy.yml || \
	    { echo 'ansible/galaxy.yml: its version is not $(VERSION)' >&2; exit 1; }
	$(note) ANSIBL '$(COLLECTION_DIR)/sp_openstack-drivers-$(VERSION).tar.gz'
	$(Q)mkdir -p '$(COLLECTION_DIR)'
	$(Q)$(ANSIBLE_GALAXY) collection build --force --output-path '$(COLLECTION_DIR)' ansible >/dev/null

#: make check-ansible       the collection with real Ansible on twelve hosts of this machine; for root;
#:                          GIT=DIR: real Cinder and Nova of all releases; TESTS=PART of a name
check-ansible: all
	@$(MAKE) BUILD=build-fault CPPFLAGS=-DSP_FAULT DATADIR='$(CURDIR)' build-fault/sp-openstack
	@$(PYTHON3) -B tests/ansible/check.py $(if $(GIT),--git '$(GIT)') $(TESTS)

#: make bench-ansible       time of a play on 50 and 200 hosts, against a loop that calls the program
bench-ansible: all
	@$(PYTHON3) -B tests/ansible/bench.py
