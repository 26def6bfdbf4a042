"""Whoever writes from outside writes as much as they like: twice as much may take twice the work, never four times."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haptik_actions.actions import CompletedChats
from haptik_actions.answers import choose, fold
from haptik_actions.answers import matching as matching_labels
from haptik_actions.errors import InvalidElement
from haptik_actions.faq import read_source
from haptik_actions.forms import FormSpec, State, answer, read_answer
from haptik_actions.hsl import parse
from haptik_actions.messages import check_text
from haptik_actions.preview import preview
from haptik_actions.render import CHANNELS, render
from tests.unit.forms_bot import EVERY_TYPE
from tests.unit.test_answers import ORDERS, WORDS
from tests.unit.test_forms_reading import at
