#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes one package of the static program, in dist/, from `make install PREFIX=/usr`.
#
#     packaging/build.sh deb|rpm|tarball VERSION
#
# Built twice from the same commit, a package is the same to the byte: all times are those of the commit
# (SOURCE_DATE_EPOCH), all owners root.

set -eu
umask 022
kind=$1 version=$2
cd "$(dirname "$0")/.."
top=$PWD
export LC_ALL=C TZ=UTC
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date -r CHANGELOG.md +%s)
fi
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p dist
arch=$(uname -m)

# ---- the files -----------------------------------------------------------------------------------

stage=$work/stage
doc=$stage/usr/share/doc/sp-openstack
env -u MAKEFLAGS -u MAKELEVEL make -s install STATIC=1 PREFIX=/usr DESTDIR="$stage" >&2
strip --strip-all --remove-section=.comment "$stage/usr/sbin/sp-openstack"
gzip -9n "$stage/usr/share/man/man8/sp-openstack.8"
mkdir -p "$doc"
install -m 0644 README.md SECURITY.md doc/drivers.md doc/manifests.md "$doc/"
install -d -m 0700 "$stage/var/lib/sp-openstack"

# Sets every time in a tree to that of the commit.
age() {
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# ---- deb -----------------------------------------------------------------------------------------
# control.tar.gz and data.tar.xz: dpkg 1.17.5, of Ubuntu 14.04, reads no other (deb(5)).

deb() {
    case $arch in
    x86_64) debarch=amd64 ;;
    aarch64) debarch=arm64 ;;
    *) debarch=$(dpkg --print-architecture) ;;
    esac
    gzip -9nc CHANGELOG.md >"$doc/CHANGELOG.md.gz"
    sed -n 's/^Maintainer: //p' packaging/deb/control | {
        read -r maintainer
        printf 'sp-openstack (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- %s  %s\n' \
            "$version" "$maintainer" "$(date -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$doc/changelog.gz"
    install -m 0644 packaging/deb/copyright "$doc/copyright"
    install -d "$stage/usr/share/lintian/overrides" "$stage/DEBIAN"
    install -m 0644 packaging/deb/overrides "$stage/usr/share/lintian/overrides/sp-openstack"
    size=$(du -k -s --apparent-size "$stage" | cut -f1)
    sed -e "s/@VERSION@/$version/; s/@ARCH@/$debarch/; s/@SIZE@/$size/" packaging/deb/control \
        >"$stage/DEBIAN/control"
    install -m 0644 packaging/deb/triggers "$stage/DEBIAN/triggers"
    install -m 0755 packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm "$stage/DEBIAN/"
    (cd "$stage" && find usr -type f | sort | xargs md5sum) >"$stage/DEBIAN/md5sums"
    chmod 0644 "$stage/DEBIAN/md5sums"
    age "$stage"
    dpkg-deb --root-owner-group --no-uniform-compression -Zxz --build "$stage" \
        "dist/sp-openstack_${version}_$debarch.deb" >&2
}

# ---- rpm -----------------------------------------------------------------------------------------

rpm() {
    install -m 0644 CHANGELOG.md LICENSE "$doc/"
    age "$stage"
    rpmbuild --quiet -bb --target "$arch" \
        --define "_topdir $work/rpm" --define "_rpmdir $work/out" --define "stage $stage" \
        --define "own_version $version" \
        --define "_buildhost localhost" --define "use_source_date_epoch_as_buildtime 1" \
        --define "clamp_mtime_to_source_date_epoch 1" packaging/rpm/sp-openstack.spec >&2
    cp "$work/out/$arch"/*.rpm dist/
}

# ---- tarball -------------------------------------------------------------------------------------

tarball() {
    install -m 0644 CHANGELOG.md LICENSE "$doc/"
    age "$stage"
    tar --sort=name --owner=0 --group=0 --numeric-owner --format=gnu --mtime="@$SOURCE_DATE_EPOCH" \
        -C "$stage" -c usr var/lib/sp-openstack |
        gzip -9n >"dist/sp-openstack-$version-linux-$arch.tar.gz"
}

case $kind in
deb | rpm | tarball) "$kind" ;;
*)
    echo "usage: packaging/build.sh deb|rpm|tarball VERSION" >&2
    exit 2
    ;;
esac
(cd "$top/dist" && find . -maxdepth 1 -name 'sp-openstack*' -type f | sed 's/..//' | sort |
    xargs sha256sum >SHA256SUMS && cat SHA256SUMS)
