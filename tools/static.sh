#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the libraries for a program that needs none: static ones, with musl.
#
#     tools/static.sh DIR
#
# DIR/src/NAME holds the source of each library: what is not there is taken from the source packages
# of the Debian or Ubuntu that this runs on. The libraries and headers go to DIR/lib and DIR/include;
# what has been built is not built again. DIR/link has what the linker needs for a position-independent
# static program: Debian's musl-gcc makes none by itself.

set -eu

if [ $# -ne 1 ]; then
    echo "usage: tools/static.sh DIR" >&2
    exit 2
fi
mkdir -p "$1/src" "$1/include"
top=$(cd "$1" && pwd)
jobs=$(getconf _NPROCESSORS_ONLN)

say() {
    echo "static: $*" >&2
}

case $top in
*[[:space:]]*)
    say "the libraries cannot be built below '$top': their scripts take no space in a path"
    exit 2
    ;;
esac

# ---- sources -------------------------------------------------------------------------------------

# The lists of source packages, in a place of their own: those of the system stay as they are.
apt="$top/apt"
read_lists() {
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$list" ] || sed -n 's/^deb /deb-src /p' "$list"
    done >"$apt/parts/all.list"
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$apt/parts/${list##*/}"
    done
    aptly apt-get -qq update
    : >"$apt/read"
}

aptly() {
    program=$1
    shift
    "$program" -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/parts" \
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" "$@"
}

# The newest version that can be had: mirrors do not all have the sources of all updates.
fetch() {
    [ -e "$apt/read" ] || read_lists
    rm -rf "$apt/got"
    mkdir "$apt/got"
    for version in $(aptly apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -Vru); do
        (cd "$apt/got" && aptly apt-get -qq source --download-only "$1=$version") >/dev/null 2>&1 || true
        for tar in "$apt/got"/*.orig.tar.*[!c]; do
            if [ -f "$tar" ]; then
                say "$1 $version"
                mkdir -p "$top/src/$1.new"
                tar -xf "$tar" --strip-components=1 -C "$top/src/$1.new"
                mv "$top/src/$1.new" "$top/src/$1"
                echo "$version" >"$top/src/$1.version"
                return
            fi
        done
    done
    say "there is no source package $1; put its source into $top/src/$1"
    exit 1
}

# ---- libraries -----------------------------------------------------------------------------------

# musl has no headers of the kernel; they come after its own
multiarch=$(gcc -print-multiarch)
mkdir -p "$top/kernel"
for name in linux asm-generic; do
    ln -sfn "/usr/include/$name" "$top/kernel/$name"
done
ln -sfn "/usr/include/$multiarch/asm" "$top/kernel/asm"
export CC=musl-gcc CFLAGS="-O2 -g -fPIC -fstack-protector-strong -idirafter $top/kernel -ffile-prefix-map=$top/="

by_cmake() {
    build=$PWD/static
    cmake -B "$build" -S . -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX="$top" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF \
        -DCMAKE_FIND_ROOT_PATH="$top" -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY "$@" &&
        cmake --build "$build" -j "$jobs" --target install
}

# options_off PREFIX NAME...: -DPREFIXNAME=OFF of each
options_off() {
    prefix=$1
    shift
    for name in "$@"; do
        printf ' -D%s%s=OFF' "$prefix" "$name"
    done
}

# shellcheck disable=SC2046 # options_off prints words
compile() {
    cd "$top/src/$1" || return
    case $1 in
    zlib) ./configure --static --prefix="$top" && make -j "$jobs" install ;;
    bzip2)
        make -j "$jobs" CC="$CC" CFLAGS="$CFLAGS" libbz2.a &&
            cp libbz2.a "$top/lib/" && cp bzlib.h "$top/include/"
        ;;
    libzstd)
        make -j "$jobs" -C lib CC="$CC" CFLAGS="$CFLAGS" PREFIX="$top" install-static install-includes
        ;;
    xz-utils) by_cmake ;;
    libyaml) by_cmake -DBUILD_TESTING=OFF ;;
    pcre2) by_cmake -DPCRE2_BUILD_PCRE2GREP=OFF -DPCRE2_BUILD_TESTS=OFF ;;
    libarchive)
        by_cmake -DENABLE_WERROR=OFF $(options_off ENABLE_ TEST TAR CPIO CAT OPENSSL NETTLE \
            LIBXML2 EXPAT ICONV ACL LIBB2 LZ4 LZO)
        ;;
    http-parser) # libgit2 wants it also where it speaks no HTTP
        make -j "$jobs" CC="$CC" CFLAGS="$CFLAGS" package &&
            cp libhttp_parser.a "$top/lib/" && cp http_parser.h "$top/include/"
        ;;
    libgit2)
        by_cmake -DREGEX_BACKEND=regcomp -DUSE_HTTP_PARSER=system -DUSE_SHA1=CollisionDetection -DUSE_SHA256=Builtin \
            -DUSE_BUNDLED_ZLIB=OFF $(options_off BUILD_ TESTS CLI CLAR) \
            $(options_off USE_ SSH HTTPS NTLMCLIENT GSSAPI ICONV)
        ;;
    esac
}

for library in zlib bzip2 xz-utils libzstd libyaml pcre2 libarchive http-parser libgit2; do
    if [ ! -e "$top/built-$library" ]; then
        [ -d "$top/src/$library" ] || fetch "$library"
        (compile "$library") >"$top/$library.log" 2>&1 || {
            tail -n 20 "$top/$library.log" >&2
            say "$library cannot be built; $top/$library.log has more"
            exit 1
        }
        : >"$top/built-$library"
    fi
done

# ---- linking -------------------------------------------------------------------------------------

musl=/usr/lib/$(gcc -dumpmachine | sed 's/-.*//')-linux-musl
mkdir -p "$top/link"
for name in rcrt1.o crti.o crtn.o; do
    ln -sf "$musl/$name" "$top/link/$name"
done
for name in crtbeginS.o crtendS.o; do
    ln -sf "$(gcc -print-file-name="$name")" "$top/link/$name"
done
