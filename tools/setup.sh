#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building and testing need, where it is missing. Says so before, and says nothing
# when all is there. Debian and Ubuntu by apt-get, Fedora, CentOS and their kin by dnf or yum.
#
#     tools/setup.sh [TOOL...]             install what is missing; TOOL: valgrind, clang-tidy, ...
#     tools/setup.sh --check [TOOL...]     only look, and say what is missing
#     tools/setup.sh --check-build         only what `make` itself needs

set -eu

# kind, name, packages of Debian and Ubuntu (separated by commas), packages of Fedora and CentOS
build='
cc      cc           gcc,libc6-dev   gcc
command make         make            make
command pkg-config   pkg-config      pkgconf-pkg-config
module  libgit2      libgit2-dev     libgit2-devel
module  libarchive   libarchive-dev  libarchive-devel
module  libpcre2-8   libpcre2-dev    pcre2-devel
module  yaml-0.1     libyaml-dev     libyaml-devel
'
tests='
module  cmocka       libcmocka-dev   libcmocka-devel
command python3      python3         python3
pip     pip          python3-pip     python3-pip
command git          git             git
command patch        patch           patch
'
tools='
command valgrind     valgrind        valgrind
command clang-tidy   clang-tidy      clang-tools-extra
command clang-format clang-format    clang-tools-extra
command clang        clang           clang
fuzzer  clang-rt     libclang-rt-N-dev compiler-rt
command cppcheck     cppcheck        cppcheck
command mandoc       mandoc          mandoc
command xmllint      libxml2-utils   libxml2
command strace       strace          strace
command setfacl      acl             acl
command musl-gcc     musl-tools      musl-gcc
command cmake        cmake           cmake
module  fuse3        libfuse3-dev,fuse3 fuse3-devel
command mkfs.ext4    e2fsprogs       e2fsprogs
command mkfs.xfs     xfsprogs        xfsprogs
command mkfs.btrfs   btrfs-progs     btrfs-progs
command lintian      lintian         lintian
command rpmbuild     rpm,cpio        rpm-build
command rpmlint      rpmlint         rpmlint
command debootstrap  debootstrap     debootstrap
command dnf          dnf             dnf
command createrepo_c createrepo-c    createrepo_c
command busybox      busybox-static  busybox
command debsums      debsums         debsums
command apt-ftparchive apt-utils     apt-utils
command faketime     faketime        libfaketime
command autoreconf   autoconf,automake autoconf,automake
command libtoolize   libtool         libtool
command autopoint    autopoint,gettext gettext-devel
command flex         flex            flex
module  nss          libnss3-dev     nss-devel
module  popt         libpopt-dev     popt-devel
module  libmagic     libmagic-dev    file-devel
header  db.h         libdb-dev       libdb-devel
'

say() {
    echo "setup: $*" >&2
}

# The runtime of clang's sanitizers and fuzzer: part of clang's own packages before Debian 12.
links_fuzzer() {
    dir=$(mktemp -d)
    echo 'int LLVMFuzzerTestOneInput(char *d, unsigned long n) { return !d && n; }' >"$dir/try.c"
    links=0
    clang -fsanitize=fuzzer,address,undefined -o "$dir/try" "$dir/try.c" 2>/dev/null || links=1
    rm -rf "$dir"
    return "$links"
}

is_there() {
    case $1 in
    cc) command -v "${CC:-cc}" >/dev/null 2>&1 ;;
    command) command -v "$2" >/dev/null 2>&1 ;;
    module) pkg-config --exists "$2" 2>/dev/null ;;
    header) echo "#include <$2>" | "${CC:-cc}" -E - >/dev/null 2>&1 ;;
    pip) python3 -m pip --version >/dev/null 2>&1 ;;
    fuzzer) links_fuzzer ;;
    esac
}

# What is missing of a table, as lines of it.
missing_of() {
    echo "$1" | while read -r kind name debian fedora; do
        if [ -n "$kind" ] && ! is_there "$kind" "$name"; then
            echo "$kind $name $debian $fedora"
        fi
    done
}

# The lines of the named tools.
lines_of() {
    for name in "$@"; do
        line=$(echo "$tools" | awk -v name="$name" '$2 == name')
        if [ -z "$line" ]; then
            say "there is no tool '$name' in this script's table"
            return 1
        fi
        echo "$line"
    done
}

# A column of what is missing, in one line, each word once.
column() {
    echo "$missing" | awk -v column="$1" '
        NF { n = split($column, words, ","); for (i = 1; i <= n; i++) print words[i] }' |
        awk '!seen[$0]++' | paste -s -d ' ' -
}

check_compiler() {
    dir=$(mktemp -d)
    echo 'int main(void) { return 0; }' >"$dir/try.c"
    if ! "${CC:-cc}" -std=c17 -o "$dir/try" "$dir/try.c" 2>"$dir/why"; then
        say "${CC:-cc} cannot build C17 programs (gcc 8 and later can): $(head -n 1 "$dir/why")"
        rm -rf "$dir"
        exit 1
    fi
    rm -rf "$dir"
}

check_only=
table=$build$tests
case ${1:-} in
--check)
    check_only=yes
    shift
    ;;
--check-build)
    check_only=yes table=$build
    shift
    ;;
esac
case ${1:-} in
-*)
    echo "Usage: tools/setup.sh [--check | --check-build] [TOOL...]" >&2
    exit 2
    ;;
esac
named=$(lines_of "$@")
missing=$(missing_of "$table
$named")
if [ -z "$missing" ]; then
    check_compiler
    exit 0
fi
say "missing here: $(column 2)"
if [ -n "$check_only" ]; then
    say "install it by: tools/setup.sh${*:+ $*}   (or: make setup)"
    exit 1
fi

if command -v apt-get >/dev/null 2>&1; then
    # N is the version of the clang that is here
    version=$(clang -dumpversion 2>/dev/null | sed 's/[.].*//')
    manager=apt-get packages=$(column 3 | sed "s/-N-/-$version-/")
elif command -v dnf >/dev/null 2>&1; then
    manager=dnf packages=$(column 4)
elif command -v yum >/dev/null 2>&1; then
    manager=yum packages=$(column 4)
else
    say "here is neither apt-get nor dnf nor yum; install these as this system does it"
    exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        say "you are not root, and there is no sudo; as root, type: $manager install $packages"
        exit 1
    fi
    as_root=sudo
    [ -t 0 ] || as_root='sudo -n'
fi

say "installing, with $manager: $packages"
status=0
# shellcheck disable=SC2086  # several words
case $manager in
apt-get)
    apt() {
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" </dev/null >&2
    }
    install() {
        apt install -y --no-install-recommends $packages
    }
    # without lists, or with old ones, the first attempt cannot succeed
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
        apt update || status=$?
        [ "$status" -ne 0 ] || install || status=$?
    elif ! install; then
        say "once more, with fresh lists"
        apt update || status=$?
        [ "$status" -ne 0 ] || install || status=$?
    fi
    ;;
*)
    $as_root $manager -y install $packages </dev/null >&2 || status=$?
    ;;
esac

missing=$(missing_of "$table
$named")
if [ -n "$missing" ]; then
    say "$manager did not bring it (status $status); still missing: $(column 2)"
    if [ "$manager" != apt-get ]; then
        say "on CentOS and RHEL some of it is in EPEL and CRB:" \
            "$manager install epel-release; $manager config-manager --set-enabled crb"
    fi
    exit 1
fi
check_compiler
say "done"
