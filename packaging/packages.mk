# SPDX-License-Identifier: Apache-2.0
# Packages of the static program, in dist/. Included by Makefile.

.PHONY: deb rpm tarball check-packaging check-reproducible

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

#: make check-reproducible  builds libraries, program and packages from nothing in two directories, and
#:                          compares them (half an hour)
check-reproducible:
	@tools/setup.sh musl-gcc cmake rpmbuild
	@packaging/reproducible.sh
