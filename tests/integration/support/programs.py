# SPDX-License-Identifier: MIT
"""The programs under test and how they are run on this machine."""
import os
import subprocess

SERVICE = os.environ["LDP_SERVICE"]
SIMULATOR = os.environ["LDP_SIMULATOR"]
WRAPPER = os.environ.get("LDP_WRAPPER", "").split()
IS_WINDOWS = SERVICE.endswith(".exe")
EXE = ".exe" if IS_WINDOWS else ""

COMMAND_TIMEOUT_S = 120


def path_for_program(path):
    """A path of this machine as the program under test names it."""
    return "Z:" + path.replace("/", "\\") if IS_WINDOWS else path


def clean_environment(extra=None):
    """Without options of the machine's user, and with nothing of them in the usual places."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LDPLAYERD_", "XDG_"))}
    env.pop("LDPLAYER_HOME", None)
    env.update(extra or {})
    return env


def run_program(program, *args, env=None, check=True):
    """Runs one to its end; returns the completed process with text output."""
    done = subprocess.run(
        [*WRAPPER, program, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=COMMAND_TIMEOUT_S,
        env=clean_environment(env),
        check=False,
    )
    done.stdout = done.stdout.decode("utf-8", "replace")
    done.stderr = done.stderr.decode("utf-8", "replace")
    if check and done.returncode != 0:
        raise AssertionError(
            f"{os.path.basename(program)} {' '.join(args)} ended with {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
    return done


def run_service_command(*args, env=None, check=False):
    """`ldplayerd ARGS...` to its end."""
    return run_program(SERVICE, *args, env=env, check=check)
