"""What the editor's form does to messages that nobody would think of, and what two versions differ in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.messages import Message
from haptik_actions.studio._compare import compare
from haptik_actions.studio._conditions import ConditionRow
from haptik_actions.studio._fields import Fields, VariationFields
from haptik_actions.studio._values import dump_fields, fields_of

# Half characters are in no file; a browser sends each kind of line end as one.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=60)
SAID = TEXTS.filter(lambda text: text.strip())
LABELS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)

RASA_BUTTONS = st.fixed_dictionaries(
    {"title": LABELS, "payload": SAID.map(str.strip)}, optional={"own": st.integers() | st.none()}
)
REPLIES = st.builds(
    lambda label, message, extra: {
        "actionable_text": label,
        "type": "TEXT_ONLY",
        "uri": "",
        "is_default": 0,
        "location_required": False,
        "payload": {"message": message, "gogo_message": "", **extra},
    },
    LABELS,
    SAID.map(str.strip),
    st.dictionaries(st.just("own"), st.integers()),
)
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": LABELS | TEXTS,
        "value": st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | TEXTS
        | st.lists(TEXTS | st.integers(), max_size=2),
    },
    optional={"type": st.sampled_from(["slot", "own"]), "own": st.integers()},
)
RESPONSES = st.one_of(
    st.fixed_dictionaries(
        {"text": SAID},
        optional={
            "buttons": st.lists(RASA_BUTTONS, min_size=1, max_size=3),
            "image": st.just("https://example.org/a.png"),
            "channel": st.sampled_from(["slack", "facebook", "own"]),
            "condition": st.lists(CONDITIONS, min_size=1, max_size=3),
            "metadata": st.dictionaries(LABELS, st.integers(), min_size=1, max_size=2),
        },
    ),
    st.builds(
        lambda text, replies: {"hsl": {"type": "TEXT", "text": text, "data": {"quick_replies": replies}}},
        SAID,
        st.lists(REPLIES, min_size=1, max_size=3),
    ),
    st.builds(lambda data: {"custom": data}, st.dictionaries(LABELS, st.integers() | TEXTS, min_size=1)),
)


@given(st.lists(RESPONSES, min_size=1, max_size=3))
@settings(max_examples=40)
def test_what_the_form_reads_it_writes_again(responses: list[dict[str, Any]]) -> None:
    before = Message.parse(json.dumps(responses))
    after = Message.parse(dump_fields(fields_of(before.dump(), "utter_x")))
    assert after == before


@given(CONDITIONS)
@settings(max_examples=100)
def test_a_condition_comes_back_as_it_was_or_stays_json(condition: dict[str, Any]) -> None:
    row = ConditionRow.of(condition)
    if row is None:
        assert Fields.of([{"text": "a", "condition": [condition]}]).variations[0].json is not None
        return
    # As a browser sends it: one line, and the origin as JSON.
    assert not {"\n", "\r", "\x00"} & set(row.name + row.value)
    sent = replace(row, name=row.name.strip(), value=row.value.strip(), origin=json.loads(json.dumps(row.origin)))
    assert json.dumps(sent.to_condition()) == json.dumps(condition)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (ConditionRow(name="plan", value="gold"), "gold"),
        (ConditionRow(name="age", kind="number", value="18"), 18),
        (ConditionRow(name="share", kind="number", value="0.5"), 0.5),
        (ConditionRow(name="is_new", kind="yes", value="left over"), True),
        (ConditionRow(name="is_new", kind="no"), False),
        (ConditionRow(name="plan", kind="unset"), None),
        (ConditionRow(name="plan", kind="json", value='["a"]'), ["a"]),
    ],
    ids=lambda part: part.kind if isinstance(part, ConditionRow) else "",
)
def test_a_condition_is_what_the_row_says(row: ConditionRow, wanted: Any) -> None:
    assert row.problem == ""
    assert row.to_condition() == {"type": "slot", "name": row.name, "value": wanted}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ConditionRow(value="gold"), "Name the slot"),
        (ConditionRow(name="plan"), "choose “empty”"),
        (ConditionRow(name="age", kind="number", value="2,5"), "such as 3 or 2.5"),
        (ConditionRow(name="age", kind="number", value=""), "such as 3 or 2.5"),
        (ConditionRow(name="plan", kind="json", value="[gold]"), "in double quotes"),
    ],
    ids=["no name", "no text", "comma", "no number", "no JSON"],
)
def test_a_row_that_is_no_condition_says_what_to_do(row: ConditionRow, said: str) -> None:
    assert said in row.problem
    with pytest.raises(ValueError, match="Condition 1: "):
        VariationFields(text="a", conditions=(row,)).response()


@pytest.mark.parametrize(("value", "hints"), [("gold", False), ("5", True), ("True", True), ("2,5", True)])
def test_a_text_that_looks_like_a_number_is_asked_about(value: str, hints: bool) -> None:
    assert bool(ConditionRow(name="plan", value=value).hint) is hints


@given(TEXTS)
@settings(max_examples=40)
def test_every_text_stays_what_it_is(text: str) -> None:
    value = dump_fields(Fields.of([{"text": text}]))
    if text.strip():
        assert [variation.text for variation in Message.parse(value).variations] == [text]
    else:
        assert value == ""


@given(TEXTS, TEXTS)
@settings(max_examples=60)
def test_what_is_the_same_and_gone_is_the_old_and_with_what_came_the_new(old: str, new: str) -> None:
    [change] = compare(Fields.of([{"text": old}]), Fields.of([{"text": new}]))
    assert "".join(text for op, text in change.parts if op != "added") == old
    assert "".join(text for op, text in change.parts if op != "removed") == new
    assert change.is_same is (old == new)


CONDITION = {"type": "slot", "name": "plan", "value": "gold"}


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ([CONDITION], [{**CONDITION, "value": "silver"}], ["Condition 1"]),
        ([CONDITION], [], ["Condition 1"]),
        ([], [CONDITION, {"type": "slot", "name": "is_new", "value": True}], ["Condition 1", "Condition 2"]),
        ([CONDITION], [CONDITION], []),
        ([{**CONDITION, "type": "intent"}], [CONDITION], ["Condition 1"]),
        ([{**CONDITION, "value": 1}], [{**CONDITION, "value": "1"}], ["Condition 1"]),
    ],
    ids=["another value", "gone", "two more", "the same", "of a type that is not known", "a number, then a text"],
)
def test_a_condition_that_changes_is_shown(old: Any, new: Any, names: list[str]) -> None:
    before, after = (Fields.of([{"text": "a", "condition": condition}]) for condition in (old, new))
    assert [change.name for change in compare(before, after) if not change.is_same] == names


def test_a_very_long_text_is_compared_as_a_whole() -> None:
    old, new = "a b " * 5_000, "a c " * 5_000
    [change] = compare(Fields.of([{"text": old}]), Fields.of([{"text": new}]))
    assert change.parts == (("removed", old), ("added", new))


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("Hello {name}!", "Hello {name_2}!", ["Hello ", "-{name}", "+{name_2}", "!"]),
        ("one two", "one, and two", ["one", "+, and", " two"]),
        ("late by a day.", "late. We are on it.", ["late", "- by a day", "+. We are on it", "."]),
    ],
)
def test_differences_are_words(old: str, new: str, parts: list[str]) -> None:
    [change] = compare(Fields.of([{"text": old}]), Fields.of([{"text": new}]))
    sign = {"same": "", "removed": "-", "added": "+"}
    assert [sign[op] + text for op, text in change.parts] == parts
