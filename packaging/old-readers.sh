#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the dpkg and rpm of old distributions, from clones of their repositories.
#
#     packaging/old-readers.sh CLONES DIR
#
# dpkg 1.17.5 is that of Ubuntu 14.04, 1.18.4 that of 16.04, rpm 4.11.3 that of CentOS 7. They go to
# DIR/dpkg-VERSION/{dpkg,dpkg-deb,dpkg-query} and DIR/rpm-VERSION/bin; what has been built is not built
# again. They serve to read and install packages: without SELinux, Lua, Python and translations.

set -eu
clones=$1
mkdir -p "$2"
top=$(cd "$2" && pwd)
old="-O1 -w -fcommon"
jobs=$(getconf _NPROCESSORS_ONLN)

# source OWNER NAME TAG DIR
source_of() {
    for repository in "$clones/$2/.git" "$clones/$2" "$clones/$2.git" "$clones/$1+$2/repo"; do
        if [ -d "$repository/objects" ]; then
            mkdir -p "$4"
            git --git-dir "$repository" archive "$3" | tar -x -C "$4"
            return
        fi
    done
    echo "there is no clone of $2 in $clones" >&2
    return 1
}

# Where fts.c asks glibc for fstat64 by a name that it does not have any more.
without_fxstat() {
    sed 's/__fxstat64(_STAT_VER, /fstat64(/' misc/fts.c >misc/fts.new && mv misc/fts.new misc/fts.c
}

dpkg() {
    echo "$1" >.dist-version
    autoreconf -fi -I m4 &&
        ./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var --with-admindir=/var/lib/dpkg \
            --disable-dselect --disable-start-stop-daemon --disable-nls --without-selinux CFLAGS="$old" &&
        make -j "$jobs" -C lib && make -j "$jobs" -C src && make -j "$jobs" -C dpkg-deb &&
        mkdir "$2" && cp src/dpkg src/dpkg-query dpkg-deb/dpkg-deb "$2/"
}

rpm() {
    without_fxstat && autoreconf -fi &&
        ./configure --prefix="$2" --with-external-db --without-lua --without-selinux --without-archive \
            --without-cap --without-acl --disable-python --disable-nls --disable-plugins \
            CPPFLAGS="$(pkg-config --cflags nss nspr)" CFLAGS="$old" &&
        make -j "$jobs" && make install
}

# build NAME VERSION OWNER TAG
build() {
    if [ ! -d "$top/$1-$2" ]; then
        work=$top/build-$1-$2
        rm -rf "$work"
        source_of "$3" "$1" "$4" "$work"
        (cd "$work" && "$1" "$2" "$top/$1-$2") >"$top/$1-$2.log" 2>&1 || {
            rm -rf "${top:?}/$1-$2"
            tail -n 5 "$top/$1-$2.log" >&2
            echo "cannot build $1 $2; $top/$1-$2.log has more" >&2
            exit 1
        }
        rm -rf "$work"
    fi
}

build dpkg 1.17.5 guillemj 1.17.5
build dpkg 1.18.4 guillemj 1.18.4
build rpm 4.11.3 rpm-software-management rpm-4.11.3-release
