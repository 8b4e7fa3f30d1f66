# SPDX-License-Identifier: MIT
"""What the integration tests share: a simulated LDPlayer, a running service, clients of its API.

The same tests run against the native program and, unchanged, against the Windows program under
Wine. Where they run is told by the environment:

    LDP_SERVICE    path of ldplayerd or ldplayerd.exe
    LDP_SIMULATOR  path of ldsim or ldsim.exe
    LDP_WRAPPER    what runs them (tools/wine.sh), or nothing
"""
from .case import ServiceCase
from .client import Client, EventStream, RawConnection
from .programs import IS_WINDOWS, run_service_command
from .service import Service, StartFailed
from .simulator import Simulator
from .waiting import Deadline, wait_for

__all__ = [
    "Client",
    "Deadline",
    "EventStream",
    "IS_WINDOWS",
    "RawConnection",
    "Service",
    "ServiceCase",
    "Simulator",
    "StartFailed",
    "run_service_command",
    "wait_for",
]
