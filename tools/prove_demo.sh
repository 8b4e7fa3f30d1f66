#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Starts `./run demo`, asks it what a person would ask, with the address and the token that it
# prints, and stops it. Arguments are those of the demo.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
log=$(mktemp build/demo.XXXXXX)
./run demo "$@" >"$log" 2>&1 &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; rm -f "$log"' EXIT

# The last line that it prints is the command to try.
try='^ *curl -s -H .* http.*/api/instances$'
until grep -q "$try" "$log"; do
    kill -0 "$demo" 2>/dev/null || {
        cat "$log"
        echo 'prove_demo: the demo ended before it was ready' >&2
        exit 1
    }
    sleep 0.2
done
cat "$log"

url=$(sed -n 's/^ready.* http=\([^ ]*\).*/\1/p' "$log")
# ask TITLE COMMAND PATTERN: what the command prints must match.
ask() {
    echo "$1:"
    # It may not be ready at once, and says so with 503, which is tried again.
    eval "$2 --fail-with-body --retry 5" >"$log" && grep -q "$3" "$log" || {
        cat "$log"
        echo "prove_demo: no good answer to: $2" >&2
        exit 1
    }
    head -c 300 "$log"
    echo
}
shown=$(grep "$try" "$log")
ask "$url/readyz" "curl -s $url/readyz" '"status":"ready"'
ask "$url/api/instances" "$shown" '"total":8'

kill "$demo"
wait "$demo"
echo 'prove_demo: the demo was ready, answered, and stopped'
