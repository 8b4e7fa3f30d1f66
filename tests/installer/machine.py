# SPDX-License-Identifier: MIT
"""A fresh Windows to install on: a Wine prefix that nothing else uses.

To be imported before `support`, which it tells what to run: the ldplayerd.exe that the installer
puts there."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The program that was built, and is to be packed.
BUILT = os.environ["LDP_SERVICE"]
DIRECTORY = tempfile.mkdtemp(prefix="ldp-installer-")
PREFIX = os.path.join(DIRECTORY, "wine")
DRIVE = os.path.join(PREFIX, "drive_c")
REPORT = os.path.join(DRIVE, "windows", "logs", "ldplayerd-setup.log")
PROGRAM_DIR = os.path.join(DRIVE, "Program Files", "ldplayerd")

os.environ["LDP_WINEPREFIX"] = PREFIX
os.environ["LDP_SERVICE"] = os.path.join(PROGRAM_DIR, "ldplayerd.exe")

from support.programs import WRAPPER, path_for_program, run_program
from support.waiting import wait_for

SYSTEM = r"HKLM\SYSTEM\CurrentControlSet"
ENVIRONMENT = SYSTEM + r"\Control\Session Manager\Environment"
EVENT_SOURCE = SYSTEM + r"\Services\EventLog\Application\ldplayerd"
SERVICE = SYSTEM + r"\Services\ldplayerd"
SETTINGS = r"HKLM\Software\ldplayerd"
UNINSTALL = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall"


def _stop():
    subprocess.run([*WRAPPER, "--stop"], check=False, timeout=60)


def boot():
    """Makes the prefix. Wine's first boot can leave two service managers, of which one creates a
    service and the other does not know it; from the second boot on there is one."""
    run_program("cmd", "/c", "ver")
    _stop()


@atexit.register
def _end():
    _stop()
    shutil.rmtree(DIRECTORY, ignore_errors=True)


def make_msi(version):
    """The installer of the built program under a version of our choice; the path."""
    subprocess.run(
        [sys.executable, os.path.join(ROOT, "installer", "package.py"), "--exe", BUILT,
         "--out", DIRECTORY, "--version", version, "--msi-only"],
        check=True,
    )
    return os.path.join(DIRECTORY, f"ldplayerd-{version}-x64.msi")


def msiexec(switch, msi, *properties):
    """Silently; returns the lower byte of the exit code, which is all that Wine hands on. What the
    commands of the installation print is shown should it fail."""
    done = run_program(
        "msiexec", switch, path_for_program(msi), "/qn", *properties, check=False
    )
    if done.returncode != 0:
        print(f"msiexec ended with {done.returncode}\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode


def sc_query():
    return run_program("sc", "query", "ldplayerd", check=False).stdout


def registry(key, *more):
    """What `reg query` prints, nothing when there is no such key."""
    done = run_program("reg", "query", key, *more, check=False)
    return done.stdout if done.returncode == 0 else ""


def registry_value(key, name):
    """The text of one value, or None."""
    for line in registry(key, "/v", name).splitlines():
        fields = line.strip().split("    ")
        if fields[0].lower() == name.lower():
            return fields[2] if len(fields) > 2 else ""
    return None


def search_path():
    """The one of the machine. Each has one, but `reg query` may fail on a busy one."""
    path = wait_for(lambda: registry_value(ENVIRONMENT, "PATH"), "the PATH of the machine")
    return [folder for folder in path.split(";") if folder]


def links():
    """The start menu's links to the local page; where the menu is differs between Wines."""
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(DRIVE)
        for name in names
        if name == "ldplayerd.url"
    ]
