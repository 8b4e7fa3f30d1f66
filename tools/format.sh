#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Formats our C sources, or with --check prints what is not formatted and fails.
set -euo pipefail
cd "$(dirname "$0")/.."

how=(-i)
[ "${1:-}" != --check ] || how=(--dry-run -Werror)
git ls-files -z --cached --others --exclude-standard '*.c' '*.h' |
    xargs -0 -r clang-format "${how[@]}"
