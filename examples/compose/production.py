"""The bot's actions as they run in production: those of the package `actions`, with metrics.

`haptik-actions run --actions production` registers what is imported here.
"""

from __future__ import annotations

from actions import ActionHaptikHandoff, orders

from haptik_actions.actions import Runtime, configure
from haptik_actions.escalation import PrometheusMetrics

__all__ = ["ActionHaptikHandoff", "metrics", "orders"]

metrics = PrometheusMetrics()
configure(lambda: Runtime(metrics=metrics))
