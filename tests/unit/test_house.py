"""benchmarks/house.py on a tree of two small rooms, and its counter of the ways between files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.exists(), reason="needs the benchmarks, which stand in a checkout only")

FILES = {
    "haptik_actions/__init__.py": "",
    "haptik_actions/relay/__init__.py": "",
    "haptik_actions/relay/_server.py": "from haptik_actions.studio import _server\n\n\nclass Place:\n    x: Any\n",
    "haptik_actions/studio/__init__.py": "",
    "haptik_actions/studio/_server.py": (
        "def late():\n    from haptik_actions.relay._server import Place\n\n    return Place\n\n\nclass Place: ...\n"
    ),
    "README.md": "# A heading\n\nOne two three.\n\n- four words in it\n  and four words more\n\n```\nnot this\n```\n",
    "docs/page.md": "| no | table |\n|---|---|\n\nOne\ntwo.\n",
    "docs/decisions/0001-one.md": "One.\n",
}


def ran(*words: str) -> Any:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_figures_of_a_small_tree(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = ran(str(BENCHMARKS / "house.py"), "--tree", str(tmp_path), "--no-walks", "--json")["now"]
    assert found == {
        "modules": 5,
        "modules_below_60_lines": 5,
        "modules_with_one_importer": 2,
        "lines": 12,
        "lines_without_relay_and_channel": 7,
        "median_function": 4,
        "longest_functions": {"studio/_server.py:late": 4},
        "longest_files": {
            "studio/_server.py": 7,
            "relay/_server.py": 5,
            "__init__.py": 0,
            "relay/__init__.py": 0,
            "studio/__init__.py": 0,
        },
        "any_per_thousand": 83.3,
        "circles": ["haptik_actions.relay._server ↔ haptik_actions.studio._server"],
        "file_names": {"_server.py": 2},
        "class_names": {"Place": 2},
        "median_paragraph": 2.5,
        "median_paragraph_by_page": {"README.md": 5.5, "docs/decisions": 1, "docs/page.md": 2},
    }


WALK = """
import asyncio, json, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:]
from house_walks import Steps
from rooms import first
steps = Steps(Path(first.__file__).parent, ignored=("platform",))
with steps.counting():
    asyncio.run(first.go())
print(json.dumps([sorted(steps.files), steps.switches, steps.entries]))
"""

ROOMS = {
    "first.py": (
        "from rooms import second\n\n"
        "async def go():\n    await second.pause()\n    here()\n    return list(map(second.word, 'ab'))\n\n"
        "def here():\n    pass\n"
    ),
    "second.py": (
        "import asyncio\nfrom rooms.platform import third\n\n"
        "async def pause():\n    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n\n"
        "def word(text):\n    return third.word(text)\n"
    ),
    "platform/third.py": "def word(text):\n    return text\n",
}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 counts pauses of coroutines as calls")
def test_a_call_into_another_file_and_its_return_are_two_switches_however_often_it_pauses(tmp_path: Path) -> None:
    for name, text in ROOMS.items():
        (tmp_path / "rooms" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "rooms" / name).write_text(text)
    # Three calls of second.py: one that pauses twice, and two that `map` makes. The platform is not counted.
    assert ran("-c", WALK, str(BENCHMARKS), str(tmp_path)) == [
        ["first.py", "second.py"],
        6,
        {"first.py": 1, "second.py": 3},
    ]
