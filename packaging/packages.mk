# SPDX-License-Identifier: Apache-2.0
# Packages of the static program, in dist/. Included by Makefile.

.PHONY: deb rpm tarball check-packaging check-reproducible check-old-readers

#: make deb                 dist/: a package for Debian and Ubuntu of the static program, and SHA256SUMS;
#:                          MAINTAINER='NAME <ADDRESS>' is who it names
#: make rpm                 the same for Red Hat's family
#: make tarball             the same as an archive to unpack at /
deb: static
	@$(PACK) deb

rpm: static
	@tools/setup.sh rpmbuild
	@$(PACK) rpm

tarball: static
	@$(PACK) tarball

PACK = MAINTAINER='$(MAINTAINER)' packaging/build.sh $(VERSION)

#: make check-packaging     the three packages: lintian and rpmlint, formats that old dpkg and rpm read,
#:                          paths, licences, scripts; and that another run makes the same bytes
check-packaging: static
	@tools/setup.sh lintian rpmbuild rpmlint
	@$(PYTHON3) -B packaging/check.py --version $(VERSION)

#: make check-reproducible  builds libraries, program and packages from nothing twice, in another directory,
#:                          by another user and at another date, and compares them (half an hour);
#:                          KEEP=DIR keeps both
check-reproducible:
	@tools/setup.sh musl-gcc cmake rpmbuild faketime
	@packaging/reproducible.sh $(KEEP)

#: make check-old-readers GIT=DIR  builds dpkg 1.17.5 and 1.18.4 and rpm 4.11.3 from clones of dpkg and rpm in
#:                          DIR, once, in ~/.cache/sp-openstack-readers, and reads our packages with them
READERS = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sp-openstack-readers

check-old-readers:
	@test -n '$(GIT)' || { echo 'make check-old-readers: name the directory with the clones: GIT=DIR' >&2; exit 2; }
	@tools/setup.sh autoreconf libtoolize autopoint flex nss popt libmagic db.h rpmbuild
	@packaging/old-readers.sh '$(GIT)' '$(READERS)'
	@$(MAKE) deb rpm >/dev/null
	@$(PYTHON3) -B packaging/old_readers.py --dist dist --readers '$(READERS)'
