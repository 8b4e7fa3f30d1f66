#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Starts `./run demo` as on the first day, on any free port, tries the commands that it prints, and
# stops it; then once more on the same data. Arguments are those of the demo.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
DEMO_DATA_DIR=$(mktemp -d build/proof.XXXXXX)
export DEMO_DATA_DIR
log=$DEMO_DATA_DIR.log answer=$DEMO_DATA_DIR.answer demo=
end() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    build/release/tests/simulator/ldsim kill "$DEMO_DATA_DIR/simulator" || true
    rm -rf "$DEMO_DATA_DIR"{,-token,.log,.answer}
}
trap end EXIT

fail() {
    cat "$log"
    echo "prove_demo: $1" >&2
    exit 1
}

# printed PATTERN: the line with a command to try, once it is there.
printed() {
    until grep -E "$1" "$log"; do
        kill -0 "$demo" 2>/dev/null || fail 'the demo ended before it was ready'
        sleep 0.2
    done
}

# try COMMAND PATTERN: what the command prints must match.
try() {
    echo "\$ $1"
    eval "$1" >"$answer" && grep -E "$2" "$answer" >/dev/null || {
        cat "$answer"
        fail "no good answer to: $1"
    }
    head -c 300 "$answer"
    echo
}

prove() {
    local list tokens
    ./run demo --http 127.0.0.1:0 "$@" >"$log" 2>&1 &
    demo=$!
    list=$(printed '^ *curl -s -H .* http.*/api/instances$')
    tokens=$(printed '^ *[^ ]*ldplayerd token list ')
    # It may not be ready at once, and says so with 503, which is tried again.
    try "$list --fail-with-body --retry 5" '"total":8'
    try "$tokens" ' live .* demo$'
    kill -INT "$demo"
    wait "$demo" || fail 'the demo did not end well'
    demo=
}

prove "$@"
token=$(cat "$DEMO_DATA_DIR-token")
prove "$@"
[ "$token" = "$(cat "$DEMO_DATA_DIR-token")" ] || fail 'the second demo has another token'
echo 'prove_demo: the demo was ready, answered and stopped, twice'
