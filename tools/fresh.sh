#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs a command of ./run on a fresh Debian 12, to prove that it installs all that it needs. Needs
# root, or sudo. Usage: fresh.sh [--keep] [--new-base] COMMAND [ARGS], for example
#
#   sudo tools/fresh.sh package
#   sudo tools/fresh.sh test base/buf
#   sudo tools/fresh.sh demo          until it has answered, by tools/prove_demo.sh
#
# The fresh machine is a folder: a bare Debian (build/fresh/base, made once, again with --new-base)
# is copied, a clone of the last commit goes to /root/ldplayerd, and the command runs there in
# namespaces of its own. Of this machine it gets the network, and what reaches the packages there:
# apt's sources and proxies, name servers, certificates if it is https. JOBS is handed on.
# The copy is removed at the end unless --keep is given. The exit code is that of the command.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
place=$root/build/fresh
release=bookworm
# In namespaces of its own nothing that is mounted or started outlives the command, which itself
# ends with this script, however that ends. What bash puts in the background ignores the interrupt
# unless told otherwise.
apart=(setpriv --pdeathsig KILL env --default-signal=INT,QUIT
    unshare --mount --uts --ipc --pid --fork --kill-child)

say() {
    echo "fresh: $*"
}

die() {
    echo "fresh: $*" >&2
    exit 1
}

# This machine's own package sources for the release, one "deb" line each.
sources() {
    apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) main' \
        'Created-By: Packages' 'Component: main' | grep " $release[^ ]* main\$" | sort -u
}

# remove FOLDER: what was mounted there has gone with its namespace. If it has not, hands off.
remove() {
    [ -d "$1" ] || return 0
    if grep -qF " $1/" /proc/self/mountinfo; then
        die "$1 has something mounted below it and is left alone: umount it, then remove it"
    fi
    rm -rf --one-file-system "$1"
}

make_base() {
    local uri proxy=''
    uri=$(sources | sed -n "s/^deb \(.*\) $release main\$/\1/p" | head -n 1)
    [ -n "$uri" ] || die "this machine's package sources have no $release main"
    say "making a bare Debian ($release) in build/fresh/base"
    remove "$place/base"
    remove "$place/base.new"
    # Unlike apt, debootstrap takes a proxy from the environment alone.
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    env ${proxy:+http_proxy="$proxy"} "${apart[@]}" \
        debootstrap --variant=minbase "$release" "$place/base.new" "$uri" \
        >"$place/debootstrap.log" 2>&1 || {
        tail -n 20 "$place/debootstrap.log"
        die 'debootstrap failed, see build/fresh/debootstrap.log'
    }
    rm -f "$place"/base.new/var/cache/apt/archives/*.deb
    mv "$place/base.new" "$place/base"
}

# furnish FOLDER: what an installed machine has and debootstrap leaves out, and the way to the
# packages.
furnish() {
    local to=$1
    echo fresh >"$to/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 fresh\n::1 localhost\n' >"$to/etc/hosts"
    cp -L /etc/resolv.conf "$to/etc/resolv.conf"
    sources >"$to/etc/apt/sources.list"
    apt-config dump | sed -n '/^Acquire::\(https\?\|Check\|Retries\)/p' \
        >"$to/etc/apt/apt.conf.d/90fresh"
    cp -a /etc/apt/auth.conf* "$to/etc/apt/" 2>/dev/null || true
    if grep -q '^deb https:' "$to/etc/apt/sources.list"; then
        mkdir -p "$to/etc/ssl/certs" "$to/usr/local/share"
        cp -L /etc/ssl/certs/ca-certificates.crt "$to/etc/ssl/certs/"
        cp -a /usr/local/share/ca-certificates "$to/usr/local/share/" 2>/dev/null || true
    fi
}

# inside FOLDER COMMAND...: the first process of the fresh machine, in its namespaces.
inside() {
    local to=$1
    shift
    hostname fresh
    mount -t proc proc "$to/proc"
    mount -t tmpfs -o mode=755 dev "$to/dev"
    mkdir "$to/dev/pts" "$to/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$to/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$to/dev/shm"
    mknod -m 666 "$to/dev/null" c 1 3
    mknod -m 666 "$to/dev/zero" c 1 5
    mknod -m 666 "$to/dev/full" c 1 7
    mknod -m 666 "$to/dev/random" c 1 8
    mknod -m 666 "$to/dev/urandom" c 1 9
    mknod -m 666 "$to/dev/tty" c 5 0
    ln -s pts/ptmx "$to/dev/ptmx"
    ln -s /proc/self/fd "$to/dev/fd"
    ln -s /proc/self/fd/0 "$to/dev/stdin"
    ln -s /proc/self/fd/1 "$to/dev/stdout"
    ln -s /proc/self/fd/2 "$to/dev/stderr"
    # Not exec: a first process ignores the signals that it does not handle, the command must not.
    chroot "$to" env -i HOME=/root TERM="${TERM:-dumb}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${JOBS:+JOBS="$JOBS"} \
        bash -c 'cd /root/ldplayerd && "$@"' fresh "$@" || exit $?
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
    exit
fi

keep='' new_base=''
while [[ ${1:-} == --* ]]; do
    case $1 in
    --keep) keep=yes ;;
    --new-base) new_base=yes ;;
    *) die "unknown option $1" ;;
    esac
    shift
done
[ $# -gt 0 ] || die 'usage: fresh.sh [--keep] [--new-base] COMMAND [ARGS], see ./run help'
[ "$(id -u)" -eq 0 ] || die 'run this as root: debootstrap, chroot and mount need it'

"$root/tools/install_packages.sh" fresh
mkdir -p "$place"
exec 9>"$place/lock"
flock 9
# What was killed could not tidy up. A run that lives holds a lock on its folder.
for old in "$place"/run.*; do
    if [ -d "$old" ] && [ ! -e "$old/kept" ] && flock -n "$old" true; then
        say "removing what a run left behind: build/fresh/${old##*/}"
        remove "$old"
    fi
done
[ -z "$new_base" ] && [ -d "$place/base" ] || make_base
copy=$(mktemp -d "$place/run.XXXXXX")
exec 8<"$copy"
flock 8

pid=''
finish() {
    local code=$? first
    trap '' INT TERM HUP
    if [ -n "$pid" ]; then
        # With its first process ends every other of the fresh machine, and then unshare.
        first=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null || true)
        kill -KILL ${first:-"$pid"} 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    [ -n "$keep" ] || remove "$copy"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cp -a --reflink=auto "$place/base" "$copy/debian"
flock -u 9
furnish "$copy/debian"
[ -z "$(git -C "$root" status --porcelain)" ] || say 'what is not committed stays out'
git clone --quiet --no-hardlinks "$root" "$copy/debian/root/ldplayerd"
git -C "$copy/debian/root/ldplayerd" remote remove origin

command=(./run "$@")
[ "$1" != demo ] || command=(tools/prove_demo.sh "${@:2}")
say "$(git -C "$root" log -1 --format='%h %s')"
say "${command[*]}"
# In the background, as bash would not hear a signal before the end of the command.
started=$SECONDS code=0
"${apart[@]}" "$root/tools/fresh.sh" --inside "$copy/debian" "${command[@]}" </dev/null 8<&- 9<&- &
pid=$!
wait "$pid" || code=$?
pid=''
say "exit code $code after $((SECONDS - started)) s: ./run $*"
[ -z "$keep" ] || {
    touch "$copy/kept"
    say "kept: build/fresh/${copy##*/}/debian; remove it when you are done"
}
exit "$code"
