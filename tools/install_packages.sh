#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installs what is missing of the Debian packages that a step of ./run needs. It does nothing, and
# asks for no rights, when all are there. Usage:
# install_packages.sh build|demo|test|windows|package|wine|bench|format|lint|fresh
set -euo pipefail

build='ca-certificates debian-archive-keyring gcc libc6-dev make meson ninja-build patch pkg-config python3 tcl xz-utils'
windows="$build gcc-mingw-w64-x86-64"
package="$windows git msitools wixl"
case ${1:-} in
build) wanted=$build ;;
# With what the demo tells people to type.
demo) wanted="$build curl" ;;
test) wanted="$build curl libcriterion-dev python3-jsonschema redis-server" ;;
windows) wanted=$windows ;;
package) wanted=$package ;;
# The Windows tests, which look at packages too.
wine) wanted="$package wine64" ;;
bench) wanted="$build curl libglib2.0-dev nginx-light redis-server wrk" ;;
format) wanted='clang-format git' ;;
lint) wanted="$build libcriterion-dev clang-format clang-tidy git" ;;
fresh) wanted='debian-archive-keyring debootstrap git' ;;
*)
    echo "install_packages: unknown step '${1:-}'" >&2
    exit 2
    ;;
esac

command -v dpkg-query >/dev/null || {
    echo "install_packages: this is no Debian machine, install by hand: $wanted" >&2
    exit 0
}

missing=()
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "install_packages: run this as root, sudo is not there: apt-get install ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null
