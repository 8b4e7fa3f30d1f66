#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Everything that can be said about the sources without running them. Usage: lint.sh BUILD_DIR, a
# native build that is configured. All checks are made; the exit code is 1 when one of them failed.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
failed=0

# Our files that the native build compiles. A *_win.c is in the Windows build alone, which the
# cross compiler checks.
compiled() {
    comm -12 \
        <(sed -n 's|^ *"file": "\(\.\./\)*\([^"]*\)".*|\2|p' "$build/compile_commands.json" | sort -u) \
        <(git ls-files --cached --others --exclude-standard '*.c' | sort -u)
}

# Tests compile some files once more, in their own way; one look at each is enough.
once() {
    mkdir -p "$build/lint"
    python3 -c '
import json, sys
commands = {entry["file"]: entry for entry in reversed(json.load(sys.stdin))}
json.dump(list(commands.values()), sys.stdout)
' <"$build/compile_commands.json" >"$build/lint/compile_commands.json"
}

once
python3 tools/check_layers.py . || failed=1
tools/format.sh --check || failed=1
compiled | xargs -r -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build/lint" 2>&1 |
    sed '/warnings\? generated\.$/d' || failed=1
exit $failed
