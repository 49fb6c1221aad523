# SPDX-License-Identifier: Apache-2.0
# The static program, with libraries built from source. Included by Makefile.

.PHONY: static

#: make static              build-static/sp-openstack, which needs no libraries on the host (musl; on Debian)
static:
	@tools/setup.sh musl-gcc cmake
	@tools/static.sh build-static
	@$(MAKE) BUILD=build-static CC=musl-gcc LDFLAGS='$(STATIC_LINK)' \
	    PKG_CFLAGS='-Ibuild-static/include -DYAML_DECLARE_STATIC -idirafter build-static/kernel' \
	    PKG_LIBS='-Lbuild-static/lib -lgit2 -larchive -lpcre2-8 -lyaml -lhttp_parser -lzstd -llzma -lbz2 -lz \
	        build-static/link/crtendS.o build-static/link/crtn.o' build-static/sp-openstack

# Debian's musl-gcc links no position-independent static program by itself.
STATIC_LINK = -static -nostartfiles $(addprefix build-static/link/,rcrt1.o crti.o crtbeginS.o) \
              -Wl,-pie,--no-dynamic-linker,-z,text
