"""Containers as OS processes of this machine, started and held by a supervisor process per runtime.

    control plane: launcher ─ connection ─ link ──unix socket── server ─ containers ─ contained :supervisor
                   environments, command, log_reader            spawn, cgroup, bounds, census, log_pump

The launcher decides what to run and in which environment; the supervisor runs it, limits it, writes its log and takes it down.
"""

from pie_deploy.launchers.process.launcher import ProcessLauncher

__all__ = ["ProcessLauncher"]
