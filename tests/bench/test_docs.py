# SPDX-License-Identifier: MIT
"""docs/benchmarks.md names exactly what `./run bench --list` does."""
import pathlib
import re
import sys

import measures

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def main():
    named = re.findall(r"^\| `([a-z0-9-]+)` \| `", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    for name in named:
        if name not in measures.TABLE:
            print(f"{PAGE.name} names {name}, which no measure is called")
    for name in measures.TABLE:
        if name not in named:
            print(f"{PAGE.name} does not name the measure {name}: give it a row")
    if len(named) != len(set(named)):
        print(f"{PAGE.name} names a measure twice: {', '.join(named)}")
    return 0 if sorted(named) == sorted(measures.TABLE) else 1


if __name__ == "__main__":
    sys.exit(main())
