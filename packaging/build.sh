#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes packages of the static program, in dist/, from `make install PREFIX=/usr`.
#
#     packaging/build.sh VERSION deb|rpm|tarball...
#
# Built twice from the same commit, a package is the same to the byte: all times are those of the commit
# (SOURCE_DATE_EPOCH), all owners root. MAINTAINER='NAME <ADDRESS>' is who the packages name.

set -eu
umask 022
version=$1
shift
cd "$(dirname "$0")/.."
top=$PWD
export LC_ALL=C TZ=UTC
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date -r CHANGELOG.md +%s)
fi
export SOURCE_DATE_EPOCH
maintainer=${MAINTAINER:-sp-openstack maintainers <sp-openstack@localhost>}
# one at a time, also for make -j: each installs from the same build
mkdir -p dist
exec 9>build-static/lock
flock 9
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arch=$(uname -m)

# ---- the files -----------------------------------------------------------------------------------

# What all three have. The man page is compressed as both families have it.
common=$work/common
env -u MAKEFLAGS -u MAKELEVEL make -s install STATIC=1 PREFIX=/usr DESTDIR="$common" >&2
strip --strip-all --remove-section=.comment "$common/usr/sbin/sp-openstack"
gzip -9n "$common/usr/share/man/man8/sp-openstack.8"
mkdir -p "$common/usr/share/doc/sp-openstack"
install -m 0644 README.md SECURITY.md doc/drivers.md doc/manifests.md "$common/usr/share/doc/sp-openstack/"
install -d -m 0700 "$common/var/lib/sp-openstack"
packaging/libraries.sh build-static/src >"$common/usr/share/doc/sp-openstack/libraries.txt"

# A copy for one package, which adds to it.
begin() {
    stage=$work/$1
    doc=$stage/usr/share/doc/sp-openstack
    cp -a "$common" "$stage"
}

# Sets every time in a tree to that of the commit.
age() {
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# ---- deb -----------------------------------------------------------------------------------------
# control.tar.gz and data.tar.xz: dpkg 1.17.5, of Ubuntu 14.04, reads no other (deb(5)). One thread: with
# more, the compressed bytes are others.

deb() {
    begin deb
    case $arch in
    x86_64) debarch=amd64 ;;
    aarch64) debarch=arm64 ;;
    *) debarch=$(dpkg --print-architecture) ;;
    esac
    gzip -9nc CHANGELOG.md >"$doc/CHANGELOG.md.gz"
    printf 'sp-openstack (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- %s  %s\n' \
        "$version" "$maintainer" "$(date -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.gz"
    install -m 0644 packaging/deb/copyright "$doc/copyright"
    install -d "$stage/usr/share/lintian/overrides" "$stage/DEBIAN"
    install -m 0644 packaging/deb/overrides "$stage/usr/share/lintian/overrides/sp-openstack"
    # kibibytes, without what differs between file systems: the size of a directory
    size=$(find "$stage" -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
    awk -v version="$version" -v arch="$debarch" -v size="$size" -v maintainer="$maintainer" '
        /^Version: / { $2 = version }
        /^Architecture: / { $2 = arch }
        /^Installed-Size: / { $2 = size }
        /^Maintainer: / { $0 = "Maintainer: " maintainer }
        { print }' packaging/deb/control >"$stage/DEBIAN/control"
    install -m 0644 packaging/deb/triggers "$stage/DEBIAN/triggers"
    install -m 0755 packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm "$stage/DEBIAN/"
    (cd "$stage" && find usr -type f | sort | xargs md5sum) >"$stage/DEBIAN/md5sums"
    chmod 0644 "$stage/DEBIAN/md5sums"
    age "$stage"
    dpkg-deb --threads-max=1 --root-owner-group --no-uniform-compression -Zxz --build "$stage" \
        "dist/sp-openstack_${version}_$debarch.deb" >&2
}

# ---- rpm -----------------------------------------------------------------------------------------

rpm() {
    begin rpm
    install -m 0644 CHANGELOG.md LICENSE "$doc/"
    age "$stage"
    rpmbuild --quiet -bb --target "$arch" \
        --define "_topdir $work/top" --define "_rpmdir $work/out" --define "stage $stage" \
        --define "own_version $version" --define "own_packager $maintainer" \
        --define "own_date $(date -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" \
        --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" \
        --define "clamp_mtime_to_source_date_epoch 1" packaging/rpm/sp-openstack.spec >&2
    cp "$work/out/$arch"/*.rpm dist/
}

# ---- tarball -------------------------------------------------------------------------------------

tarball() {
    begin tarball
    install -m 0644 CHANGELOG.md LICENSE "$doc/"
    age "$stage"
    tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu --mtime="@$SOURCE_DATE_EPOCH" \
        -C "$stage" -c usr var/lib/sp-openstack |
        gzip -9n >"dist/sp-openstack-$version-linux-$arch.tar.gz"
}

for kind in "$@"; do
    case $kind in
    deb | rpm | tarball) "$kind" ;;
    *)
        echo "usage: packaging/build.sh VERSION deb|rpm|tarball..." >&2
        exit 2
        ;;
    esac
done
(cd "$top/dist" && find . -maxdepth 1 -name 'sp-openstack*' -type f | sed 's/..//' | sort |
    xargs sha256sum >SHA256SUMS && cat SHA256SUMS)
