#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints the licences of the libraries that are linked into the static program: most of them ask that
# their texts go with it.
#
#     packaging/libraries.sh DIR        DIR has their sources, as tools/static.sh keeps them

set -eu

cat <<'EOF'
The program is linked with these libraries, unchanged, from the source packages of Debian that are named
below; tools/static.sh, in the source of sp-openstack, builds them and links them again. It also has
code of GCC's libgcc, under GPL-3 with the GCC Runtime Library Exception, which makes no demands on
programs that are compiled with GCC.
EOF

# section TITLE FILE
section() {
    printf '\n==== %s ====\n\n' "$1"
    cat "$2"
}

one() {
    if [ -f "$1/$2.version" ]; then
        section "$2 $(cat "$1/$2.version")" "$1/$2/$3"
    else
        section "$2" "$1/$2/$3"
    fi
}

one "$1" zlib LICENSE
one "$1" bzip2 LICENSE
one "$1" xz-utils COPYING
one "$1" libzstd LICENSE
one "$1" libyaml License
one "$1" pcre2 LICENCE
one "$1" libarchive COPYING
one "$1" http-parser LICENSE-MIT
one "$1" libgit2 COPYING
section musl /usr/share/doc/musl/copyright
