"""Counters and gauges of what happens to hand-offs, for whatever collects them.

    haptik_handoffs_total{state, team}              receipts given to users: connected, throttled, …
    haptik_deliveries_total{outcome, team}          later tries from the outbox: connected, delayed, given_up
    haptik_breaker_changes_total{breaker, state}    a breaker opened or closed in this process
    haptik_outbox_entries{state}                    gauge: hand-offs that wait, and dead letters
    haptik_action_failures_total{action, error}     guarded actions that failed, by the class of the error

A label is a name out of the bot's domain and code, never of a user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from haptik_actions._log import get_logger
from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["METRICS", "Metrics", "NoMetrics", "PrometheusMetrics", "SafeMetrics"]

logger = get_logger(__name__)

METRICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "haptik_handoffs_total": ("Receipts given to users.", ("state", "team")),
    "haptik_deliveries_total": ("Later tries from the outbox, by outcome.", ("outcome", "team")),
    "haptik_breaker_changes_total": ("Breakers that opened or closed in this process.", ("breaker", "state")),
    "haptik_outbox_entries": ("Hand-offs in the outbox: waiting, or given up (dead).", ("state",)),
    "haptik_action_failures_total": ("Guarded actions that failed.", ("action", "error")),
}
"""Name -> what it means, and its labels. Those that end in `_total` are counters, the others gauges."""


class Metrics(Protocol):
    """Where the figures go. Called on the event loop: it must not block, and what it raises is logged."""

    def count(self, name: str, **labels: str) -> None:
        """Add one to a counter."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""


class NoMetrics:
    """Keeps nothing."""

    def count(self, name: str, **labels: str) -> None:
        """See `Metrics`."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """See `Metrics`."""


class SafeMetrics:
    """Passes on to `metrics`, and logs what it raises: a figure is not worth an answer. With None it keeps nothing."""

    def __init__(self, metrics: Metrics | None) -> None:
        self._metrics = metrics or NoMetrics()

    def count(self, name: str, **labels: str) -> None:
        """See `Metrics`."""
        try:
            self._metrics.count(name, **labels)
        except Exception:
            logger.exception("The metric %s could not be counted.", name)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """See `Metrics`."""
        try:
            self._metrics.gauge(name, value, **labels)
        except Exception:
            logger.exception("The metric %s could not be set.", name)


class PrometheusMetrics:
    """Keeps them with `prometheus_client` (extra `metrics`), in its own registry or in `registry`.

    With several workers set `PROMETHEUS_MULTIPROC_DIR`, as prometheus_client says.

    Raises:
        ConfigurationError: prometheus_client is not installed; says how to install it.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Gauge
        except ModuleNotFoundError as missing:
            raise ConfigurationError(
                'PrometheusMetrics needs the package prometheus-client: pip install "haptik-actions[metrics]"'
            ) from missing

        where: Any = registry or REGISTRY
        self._kept: dict[str, Any] = {}
        for name, (meaning, labels) in METRICS.items():
            if name.endswith("_total"):
                self._kept[name] = Counter(name, meaning, labels, registry=where)
            else:
                # Every worker sees the same outbox.
                self._kept[name] = Gauge(name, meaning, labels, registry=where, multiprocess_mode="mostrecent")

    def count(self, name: str, **labels: str) -> None:
        """See `Metrics`."""
        self._kept[name].labels(**labels).inc()

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """See `Metrics`."""
        self._kept[name].labels(**labels).set(value)
