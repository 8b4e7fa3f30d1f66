# SPDX-License-Identifier: MIT
"""The programs under test and how they are run on this machine."""
import os
import subprocess
import tempfile

SERVICE = os.environ["LDP_SERVICE"]
SIMULATOR = os.environ["LDP_SIMULATOR"]
WRAPPER = os.environ.get("LDP_WRAPPER", "").split()
BRIDGE = os.environ.get("LDP_BRIDGE")
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


def text_of(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def was_lost_by_wine(code, text):
    """Whether our program has ended before its first line of code: it never fails without a word,
    and a process that Wine 8 loses at its start ends with 1."""
    return IS_WINDOWS and code == 1 and not text


def run_once(program, *args, env):
    """The output goes to files: under Wine whatever a program leaves running keeps its pipes open."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        done = subprocess.run(
            [*WRAPPER, program, *args],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            timeout=COMMAND_TIMEOUT_S,
            env=clean_environment(env),
            check=False,
        )
        done.stdout = text_of(out)
        done.stderr = text_of(err)
    return done


def run_program(program, *args, env=None, check=True):
    """Runs one to its end; returns the completed process with text output."""
    done = run_once(program, *args, env=env)
    if program == SERVICE and was_lost_by_wine(done.returncode, done.stdout + done.stderr):
        done = run_once(program, *args, env=env)
    if check and done.returncode != 0:
        raise AssertionError(
            f"{os.path.basename(program)} {' '.join(args)} ended with {done.returncode}\n"
            f"{done.stdout}{done.stderr}"
        )
    return done


def run_service_command(*args, env=None, check=False):
    """`ldplayerd ARGS...` to its end."""
    return run_program(SERVICE, *args, env=env, check=check)
