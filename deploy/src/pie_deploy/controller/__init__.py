"""The control loop: observe, plan, execute, record. Decides nothing itself: what to do is `pie_deploy.domain.plan`'s."""

from pie_deploy.controller.controller import Controller, ControllerStatistics, Wakeup

__all__ = ["Controller", "ControllerStatistics", "Wakeup"]
