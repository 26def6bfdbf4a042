"""A real Rasa reads the files of examples/compose and examples/kubernetes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from haptik_actions._yaml import load_bounded

from .stack import REPOSITORY

COMPOSE, KUBERNETES = REPOSITORY / "examples" / "compose" / "rasa", REPOSITORY / "examples" / "kubernetes"
READS = """
import json, sys
from rasa.core.run import create_http_input_channels
from rasa.core.utils import AvailableEndpoints

found = [AvailableEndpoints.read_endpoints(name) for name in sys.argv[2:]]
print(json.dumps({
    "channels": [channel.name() for channel in create_http_input_channels(None, sys.argv[1])],
    "actions": [endpoints.action.url for endpoints in found],
    "trackers": [endpoints.tracker_store.kwargs["db"] for endpoints in found],
    "nlg": [endpoints.nlg.type for endpoints in found],
}))
"""


def test_rasa_reads_the_files_of_both_examples(rasa: str, tmp_path: Path) -> None:
    manifests = (KUBERNETES / "rasa.yaml").read_text(encoding="utf-8").split("\n---\n")
    held = next(manifest for manifest in map(load_bounded, manifests) if manifest["kind"] == "ConfigMap")
    (tmp_path / "endpoints.yml").write_text(held["data"]["endpoints.yml"], encoding="utf-8")
    files = [COMPOSE / "credentials.yml", COMPOSE / "endpoints.yml", tmp_path / "endpoints.yml"]
    done = subprocess.run(
        [rasa, "-W", "ignore", "-c", READS, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HAPTIK_WEBHOOK_SECRET": "s3cret", "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "channels": ["rest", "haptik"],
        "actions": ["http://proxy:5055/webhook", "http://actions:5055/webhook"],
        "trackers": ["/state/rasa.db", "/state/rasa.db"],
        "nlg": ["haptik_actions.channel.HaptikNLG", "haptik_actions.channel.HaptikNLG"],
    }
