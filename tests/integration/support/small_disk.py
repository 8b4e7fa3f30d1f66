# SPDX-License-Identifier: MIT
"""A disk that is soon full."""
import subprocess


def mount_small_disk(path):
    """A disk of 4 MB; False where this user may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", path]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
