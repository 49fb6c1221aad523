# SPDX-License-Identifier: Apache-2.0
# Packages of the static program, in dist/. Included by Makefile.

.PHONY: deb rpm tarball

#: make deb                 dist/: a package for Debian and Ubuntu of the static program, and SHA256SUMS
#: make rpm                 the same for Red Hat's family
#: make tarball             the same as an archive to unpack at /
deb: static
	@packaging/build.sh deb $(VERSION)

rpm: static
	@packaging/build.sh rpm $(VERSION)

tarball: static
	@packaging/build.sh tarball $(VERSION)
