"""Python client of Pie: `PieClient` for asyncio, `SyncPieClient` for everything else."""

from pie_client.client import PieClient
from pie_client.errors import (
    ConnectionLostError,
    InstallError,
    KeyRefusedError,
    LaunchError,
    LoginError,
    McpServerError,
    NotCapturedError,
    NotConnectedError,
    PieClientError,
    ProcessEndedError,
    ProcessFailedError,
    ProcessNotFoundError,
    ProtocolError,
    RefusedError,
    UnreachableError,
    VersionNotFoundError,
)
from pie_client.events import Event, ProcessEvent
from pie_client.files import ReceivedFile
from pie_client.keys import ParsedPrivateKey
from pie_client.process import Process
from pie_client.reconnect import NEVER, Reconnect
from pie_client.results import ListedProcess
from pie_client.sync import SyncPieClient, SyncProcess

__all__ = [
    "NEVER",
    "ConnectionLostError",
    "Event",
    "InstallError",
    "KeyRefusedError",
    "LaunchError",
    "ListedProcess",
    "LoginError",
    "McpServerError",
    "NotCapturedError",
    "NotConnectedError",
    "ParsedPrivateKey",
    "PieClient",
    "PieClientError",
    "Process",
    "ProcessEndedError",
    "ProcessEvent",
    "ProcessFailedError",
    "ProcessNotFoundError",
    "ProtocolError",
    "ReceivedFile",
    "Reconnect",
    "RefusedError",
    "SyncPieClient",
    "SyncProcess",
    "UnreachableError",
    "VersionNotFoundError",
]
