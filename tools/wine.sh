#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs a Windows program with 64-bit Wine in a prefix of the build's own (LDP_WINEPREFIX, or
# build/wine), which is made on first use and set to Windows 10. `wine.sh --start` begins that
# prefix's Wine server ahead of what uses it and keeps its last words, `wine.sh --stop` tells those
# and ends it; every other prefix is left alone.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
export WINEPREFIX=${LDP_WINEPREFIX:-$root/build/wine} WINEDEBUG=${WINEDEBUG:--all} WINEARCH=win64

find_tool() {
    local candidate
    for candidate in "$@"; do
        command -v "$candidate" && return
    done
    echo "wine.sh: none of '$*' is installed (package wine64)" >&2
    exit 127
}

server=$(find_tool /usr/lib/wine/wineserver64 wineserver)
said=$WINEPREFIX/server.log
if [ "${1:-}" = --stop ]; then
    "$server" -k || true
    # All that ran in the prefix at that moment has ended or hangs.
    ! grep -a crashed "$said" 2>/dev/null || echo "wine.sh: the Wine server of $WINEPREFIX died"
    exit 0
fi

make_prefix() {
    # The Mono and Gecko installers are neither needed nor available offline.
    WINEDLLOVERRIDES='mscoree,mshtml=' "$wine" wineboot -i >/dev/null 2>&1
    "$wine" winecfg -v win10 >/dev/null 2>&1
    touch "$WINEPREFIX/.ready"
}

wine=$(find_tool /usr/lib/wine/wine64 wine64 wine)
signals_source=$root/tests/support/wine_signals.c
signals=$WINEPREFIX/signals.so
if [ ! -f "$WINEPREFIX/.ready" ] || [ "$signals_source" -nt "$signals" ]; then
    mkdir -p "$WINEPREFIX"
    exec 9>"$WINEPREFIX/.lock"
    flock 9
    if [ "$signals_source" -nt "$signals" ]; then
        cc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$signals.new" "$signals_source"
        mv "$signals.new" "$signals"
    fi
    export LD_PRELOAD=$signals
    [ -f "$WINEPREFIX/.ready" ] || make_prefix
    exec 9>&-
fi
if [ "${1:-}" = --start ]; then
    exec "$server" --persistent >"$said" 2>&1
fi
export LD_PRELOAD=$signals
exec "$wine" "$@"
