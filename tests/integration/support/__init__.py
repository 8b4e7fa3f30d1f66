# SPDX-License-Identifier: MIT
"""What the integration tests share: a simulated LDPlayer, a running service, clients of its API.

The same tests run against the native program and, unchanged, against the Windows program under
Wine. Where they run is told by the environment:

    LDP_SERVICE    path of ldplayerd or ldplayerd.exe
    LDP_SIMULATOR  path of ldsim or ldsim.exe
    LDP_WRAPPER    what runs them (tools/wine.sh), or nothing
    LDP_BRIDGE     path of pipe_bridge.exe, by which clients reach a pipe under Wine
    LDP_TRANSPORT  "pipe": clients speak over the named pipe (natively the unix socket) instead of
                   TCP, but for those without credentials, which are somebody there
    LDP_RECORD     file for what is used of the contract; see record.py
    LDP_INSTALLED  data directory of the installed service that is to be used; see installed.py
"""
from .case import ServiceCase
from .client import OVER_PIPE, Client, EventStream, RawConnection
from .programs import IS_WINDOWS, run_service_command
from .service import Service, StartFailed
from .simulator import Simulator
from .waiting import Deadline, wait_for

__all__ = [
    "Client",
    "Deadline",
    "EventStream",
    "IS_WINDOWS",
    "OVER_PIPE",
    "RawConnection",
    "Service",
    "ServiceCase",
    "Simulator",
    "StartFailed",
    "run_service_command",
    "wait_for",
]
