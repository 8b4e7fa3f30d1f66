# SPDX-License-Identifier: MIT
"""A disk that does not keep what it was given."""
import os


def spoil(path, at, content):
    """CONTENT stands at AT of the file, and nobody has written to it."""
    written_at = os.stat(path).st_mtime_ns
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(content)
    os.utime(path, ns=(written_at, written_at))
