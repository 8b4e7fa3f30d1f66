#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fills subprojects/<directory>/ with the pinned library sources, taken from the source packages of
# the Debian release named below, through the machine's own Debian mirror and archive keyring. The
# fixes that Debian has for them are applied (tools/library_patches.txt); they are not pinned, since
# they are to be those of today: apt takes them only as the index that the archive signed has them.
# The directory names are those of subprojects/*.wrap, so meson uses what is here and downloads
# nothing. Nothing is installed, and the system's own apt lists are not touched.
# Running it again is quick: a directory whose .fetched record begins with the pinned hash and the
# present lines of the table is kept. Remove the records to look for newer fixes.
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

# mirror SUFFIX: what this machine already uses for that part of its own Debian release.
mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
        awk -v c="$codename$1" '$1 == c && $2 == "main" { print $3; exit }'
}

# keyring SUFFIX: what that part of the release is signed with.
keyring() {
    local k
    for k in /usr/share/keyrings/debian-archive-"$release$1"-automatic.{gpg,asc} \
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
    local uri security key
    uri=$(mirror '')
    security=$(mirror -security)
    key=$(keyring '')
    [ -n "$uri" ] || die "no Debian mirror found in this machine's apt sources"
    [ -n "$key" ] || die "no Debian archive keyring found (package debian-archive-keyring)"
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    {
        echo "deb-src [signed-by=$key] $uri $release main"
        [ -z "$security" ] || echo "deb-src [signed-by=$(keyring -security)] $security $release-security main"
    } >"$cache/apt/sources.list"
    apt_here update || die "Debian's lists of source packages could not be read (see above)"
    apt_ready=yes
}

verified() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

download() {
    local package=$1 tarball=$2 hash=$3
    verified "$cache/$tarball" "$hash" && return
    [ -n "${apt_ready:-}" ] || prepare_apt
    rm -f "$cache/$tarball"
    (cd "$cache" && apt_here source --download-only --tar-only "$package" >/dev/null)
    verified "$cache/$tarball" "$hash" ||
        die "$tarball: the source package '$package' no longer carries it, or its hash differs"
}

# The lines of the table that are about LIBRARY, in one word.
judgement() {
    sed -n "s/^$1 //p" "$root/tools/library_patches.txt" | sha256sum | cut -d ' ' -f 1
}

# fetch_fixes LIBRARY PACKAGE TARBALL: what Debian adds to the tarball, in $cache/debian. Not every
# mirror has every file: it may be missing as long as we know of no fix in it.
fetch_fixes() {
    local library=$1 package=$2 upstream=${3%.orig.tar.*} added
    [ -n "${apt_ready:-}" ] || prepare_apt
    rm -rf "$cache/debian"
    mkdir -p "$cache/debian"
    if ! (cd "$cache/debian" && apt_here source --download-only --diff-only "$package" >/dev/null); then
        grep -q "^$library  *apply " "$root/tools/library_patches.txt" &&
            die "$library: the fixes that tools/library_patches.txt names are in Debian's source" \
                "package '$package', which this machine's mirror does not give. Try again, or" \
                "another mirror: we do not build without them"
        echo "WARNING: $library: the mirror does not give what Debian adds to '$package'," \
            'which is built without' >&2
        return 1
    fi
    added=$(cd "$cache/debian" && echo *.debian.tar.*)
    [[ $added == "$upstream"-* ]] ||
        die "$package: Debian's fixes ($added) are for another version than the pinned $3"
    tar -xf "$cache/debian/$added" -C "$cache/debian"
}

# fixes LIBRARY PACKAGE TARBALL TREE FOLDER: applies them. Prints what .fetched says of them.
fixes() {
    local library=$1 package=$2
    fetch_fixes "$library" "$package" "$3" || return 0
    sed -n '1s/^\([^ ]*\) (\(.*\)).*/package \1 \2/p' "$cache/debian/debian/changelog"
    "$root/tools/library_patches.py" "$library" --debian "$cache/debian" --tree "$4" --folder "$5" ||
        die "$library: its fixes could not be applied (see above)"
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

# unpack DIR LIBRARY PACKAGE TARBALL FOLDER: leaves the sources in subprojects/DIR and what was
# applied to them in $cache/fixes.
unpack() {
    local dir=$1 library=$2 package=$3 tarball=$4 folder=$5
    local work=$cache/unpack target=$root/subprojects/$dir
    rm -rf "$work" "$target"
    mkdir -p "$work/tree"
    tar -xf "$cache/$tarball" -C "$work/tree" --strip-components=1
    fixes "$library" "$package" "$tarball" "$work/tree" "$folder" >"$cache/fixes"
    if [ "$library" = sqlite3 ]; then
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
    record=$root/subprojects/$dir/.fetched
    wanted="$hash $(judgement "$overlay")"
    if [ "$(head -n 1 "$record" 2>/dev/null)" != "$wanted" ]; then
        echo "fetch_sources: $dir"
        download "$package" "$tarball" "$hash"
        unpack "$dir" "$overlay" "$package" "$tarball" "$folder"
        { echo "$wanted" && cat "$cache/fixes"; } >"$record"
    fi
    # Time stamps are kept so that an unchanged overlay causes no rebuild.
    cp -rp "$root/subprojects/packagefiles/$overlay/." "$root/subprojects/$dir/"
done <<<"$libraries"

"$root/tools/library_list.py" "$root"
