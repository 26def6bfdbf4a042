"""Serves what the action server's workers have written into PROMETHEUS_MULTIPROC_DIR, on METRICS_PORT (9100)."""

from __future__ import annotations

import os
from wsgiref.simple_server import make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

registry = CollectorRegistry()
MultiProcessCollector(registry)

if __name__ == "__main__":
    host, port = os.environ.get("METRICS_HOST", "0.0.0.0"), int(os.environ.get("METRICS_PORT", "9100"))
    with make_server(host, port, make_wsgi_app(registry)) as server:
        server.serve_forever()
