#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fills subprojects/<directory>/ with the pinned library sources, taken from the source packages of
# the Debian release named below, through the machine's own Debian mirror and archive keyring.
# The directory names are those of subprojects/*.wrap, so meson uses what is here and downloads
# nothing. Nothing is installed, and the system's own apt lists are not touched.
# Running it again is quick: a directory whose .fetched stamp names the pinned hash is kept.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/build/sources
release=trixie

# Directory in subprojects, overlay, source package, tarball, its SHA-256, folder inside it.
libraries='
libuv-v1.50.0              libuv     libuv1    libuv1_1.50.0.orig.tar.gz        ec9de6ecf2a780fd2afb3b007947d2cd57c3bb17f3b9e721a66774980d35cd4d .
sqlite-amalgamation-3460100 sqlite3  sqlite3   sqlite3_3.46.1.orig.tar.xz       d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c .
yyjson-0.10.0              yyjson    yyjson    yyjson_0.10.0+ds.orig.tar.xz     ae6fde69a193e10afab426ef13f113d6903446405f9db9ee98bfb572bd6c961a .
llhttp-release-v9.2.1      llhttp    nghttp2   nghttp2_1.64.0.orig.tar.gz       b452dc69a1fcbc9375389b8b154175d8b7b125cdd713fc426774c2b79a1ebd77 third-party/llhttp
libsodium-1.0.18           libsodium libsodium libsodium_1.0.18.orig.tar.gz     d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4 .
hiredis-1.2.0              hiredis   hiredis   hiredis_1.2.0.orig.tar.gz        82ad632d31ee05da13b537c124f819eb88e18851d9cb0c30ae0552084811588c .
'

die() {
    echo "fetch_sources: $*" >&2
    exit 1
}

# The mirror this machine already uses for its own Debian release.
mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
        awk -v c="$codename" '$1 == c && $2 == "main" { print $3; exit }'
}

keyring() {
    local k
    for k in /usr/share/keyrings/debian-archive-"$release"-automatic.{gpg,asc} \
        /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [ -e "$k" ] && echo "$k" && return
    done
}

apt_here() {
    apt-get -qq -o Dir::Etc::SourceList="$cache/apt/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$cache/apt/lists" \
        -o Dir::Cache="$cache/apt/cache" -o APT::Sandbox::User= "$@"
}

prepare_apt() {
    local uri key
    uri=$(mirror)
    key=$(keyring)
    [ -n "$uri" ] || die "no Debian mirror found in this machine's apt sources"
    [ -n "$key" ] || die "no Debian archive keyring found (package debian-archive-keyring)"
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    echo "deb-src [signed-by=$key] $uri $release main" >"$cache/apt/sources.list"
    apt_here update
}

verified() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

download() {
    local package=$1 tarball=$2 hash=$3
    verified "$cache/$tarball" "$hash" && return
    [ -n "${apt_ready:-}" ] || prepare_apt
    apt_ready=yes
    rm -f "$cache/$tarball"
    (cd "$cache" && apt_here source --download-only --tar-only "$package" >/dev/null)
    verified "$cache/$tarball" "$hash" ||
        die "$tarball: the source package '$package' no longer carries it, or its hash differs"
}

# SQLite's source package is the full tree; the amalgamation is made from it in about 12 seconds.
make_amalgamation() {
    local tree=$1 out=$2
    command -v tclsh >/dev/null || die "tclsh is needed to make SQLite's amalgamation (package tcl)"
    (cd "$tree" && ./configure && make sqlite3.c) >"$cache/sqlite3.log" 2>&1 ||
        die "SQLite's amalgamation could not be made, see $cache/sqlite3.log"
    mkdir -p "$out"
    cp "$tree"/sqlite3.[ch] "$out/"
}

unpack() {
    local dir=$1 overlay=$2 tarball=$3 folder=$4
    local work=$cache/unpack target=$root/subprojects/$dir
    rm -rf "$work" "$target"
    mkdir -p "$work/tree"
    tar -xf "$cache/$tarball" -C "$work/tree" --strip-components=1
    if [ "$overlay" = sqlite3 ]; then
        make_amalgamation "$work/tree" "$work/out"
        folder=../out
    fi
    mv "$(realpath "$work/tree/$folder")" "$target"
    rm -rf "$work"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

while read -r dir overlay package tarball hash folder; do
    [ -n "$dir" ] || continue
    stamp=$root/subprojects/$dir/.fetched
    if [ "$(cat "$stamp" 2>/dev/null)" != "$hash" ]; then
        echo "fetch_sources: $dir"
        download "$package" "$tarball" "$hash"
        unpack "$dir" "$overlay" "$tarball" "$folder"
        echo "$hash" >"$stamp"
    fi
    # Time stamps are kept so that an unchanged overlay causes no rebuild.
    cp -rp "$root/subprojects/packagefiles/$overlay/." "$root/subprojects/$dir/"
done <<<"$libraries"
