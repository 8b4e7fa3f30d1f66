# SPDX-License-Identifier: MIT
"""Folders that many tests begin with, made once for each process and then copied."""
import atexit
import os
import shutil
import tempfile

_made = {}
_root = None


def copy_of(key, make, target):
    """Copies the folder that MAKE(path) fills to TARGET, which does not exist. KEY says what makes
    one such folder differ from another."""
    global _root
    if _root is None:
        _root = tempfile.mkdtemp(prefix="ldp-templates-")
        atexit.register(shutil.rmtree, _root, ignore_errors=True)
    if key not in _made:
        path = os.path.join(_root, str(len(_made)))
        make(path)
        _made[key] = path
    # No links: under Wine a program with two paths is told apart by neither.
    shutil.copytree(_made[key], target)
