"""Real Rasa reads the same questions and responses out of a project as `haptik-actions faq` does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from haptik_actions.faq import FaqNode, load, open_source

PROJECT = Path(__file__).parents[1] / "fixtures" / "faq" / "good-rasa"

READ = """
import json, sys
from rasa.shared.core.domain import Domain
from rasa.shared.nlu.training_data.loading import load_data

questions = {}
for example in load_data(sys.argv[1] + "/data").training_examples:
    if example.get("intent_response_key"):
        questions.setdefault(example.get("intent_response_key"), []).append(example.get("text"))
print(json.dumps({"questions": questions, "responses": Domain.load(sys.argv[1] + "/domain").responses}))
"""


def test_a_project_gives_the_questions_and_responses_that_rasa_reads(rasa: str) -> None:
    done = subprocess.run([rasa, "-c", READ, str(PROJECT)], capture_output=True, text=True, timeout=120, check=True)
    known = json.loads(done.stdout.splitlines()[-1])
    _, nodes = load(open_source(PROJECT))
    assert nodes is not None
    ours = [FaqNode.from_cells(cells) for cells in nodes.rows()]
    assert {f"faq/{node.name}": list(node.questions) for node in ours} == known["questions"]
    for node in ours:
        first = known["responses"][f"utter_faq/{node.name}"][0]
        said: dict[str, Any] = json.loads(node.answers[0]) if first.get("buttons") else {"text": node.answers[0]}
        assert said["text"] == first["text"]
        replies = said.get("data", {}).get("quick_replies", [])
        assert [reply["actionable_text"] for reply in replies] == [b["title"] for b in first.get("buttons", [])]
