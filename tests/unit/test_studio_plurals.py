"""A text that depends on a number, as rows of the studio's form."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.messages import Catalogue, Message, Template, plural_examples
from haptik_actions.studio._fields import Fields, VariationFields
from haptik_actions.studio._plural import Around, CaseRow, case_problems, in_language, read_plural, write_plural
from haptik_actions.studio._values import dump_fields, fields_of
from tests.support.forms import fields_of as form_of
from tests.support.studio import Visitor, studio_on

LOCALES = ["en", "de", "pl", "hi", "ar", "cs", "ja", "pt-BR"]
# What decides where a group and its cases end, and words that mean something to ICU.
PARTS = st.sampled_from(
    ["{", "}", "'", "''", "#", " ", "\n", "{name}", "{n, plural, ", "other", "=0", "one", ",", "a", "|"]
)
HOSTILE = st.lists(PARTS, max_size=12).map("".join)
SELECTORS = st.sampled_from(["one", "few", "=0", "=12", "=00", "zero"])
GROUPS = st.builds(
    lambda space, cases, other: f"{{{space}days ,plural,{space}{cases} other {{{other}}}}}",
    st.sampled_from(["", " ", "\n "]),
    st.lists(st.builds("{} {{{}}}".format, SELECTORS, HOSTILE), max_size=3).map("  ".join),
    HOSTILE,
)
TEXTS = st.builds("{}{}{}".format, HOSTILE, GROUPS, HOSTILE)


@given(TEXTS, st.sampled_from(LOCALES))
@settings(max_examples=300)
def test_a_text_that_nobody_changed_stays_as_it_was_written(text: str, locale: str) -> None:
    [variation] = Fields.of([{"text": text}]).variations
    assert variation.in_language(locale).said == text


@given(TEXTS)
@settings(max_examples=100)
def test_a_message_that_nobody_changed_stays_the_same(text: str) -> None:
    assert Message.parse(dump_fields(fields_of(json.dumps([text])))) == Message.parse(json.dumps([text]))


@given(HOSTILE, st.dictionaries(st.sampled_from(["one", "other", "0", "7"]), HOSTILE, min_size=1), HOSTILE)
@settings(max_examples=300)
def test_rows_without_a_problem_are_read_again_as_they_were(before: str, said: dict[str, str], after: str) -> None:
    rows = tuple(CaseRow(key=key, is_exact=key.isdigit(), text=text) for key, text in {"other": "x", **said}.items())
    around = Around(name="days", before="", after="")
    if any(case_problems(rows)):
        with pytest.raises(ValueError, match=r"\S"):
            VariationFields(around=around, cases=rows).response()
        return
    text = write_plural(around, rows)
    [group] = Template.parse(text).groups
    assert group.mistake() == ""
    found = read_plural(text, 50)
    assert found is not None
    assert set(found[1]) == {row for row in rows if row.is_said}
    # What stands around it is kept, whatever it is.
    assert write_plural(Around(name="days", before=before, after=after), rows) == before + text + after


@pytest.mark.parametrize(
    "text",
    [
        "no group",
        "{n, plural, one {a}}",
        "{n, plural, other {}}",
        "{n, plural, one {} other {a}}",
        "{n, plural, offset:1 one {a} other {b}}",
        "{n, plural, one {a} one {b} other {c}}",
        "{n, plural, =00 {a} other {c}}",
        "{n, plural, one {a} other {{m, plural, other {b}}}}",
        "{n, plural, one {a} other {{tier, select, other {b}}}}",
        "{n, plural, other {a '{' b}}",
        "{n, plural, other {a}} {m, plural, other {b}}",
        "{n, selectordinal, other {#th}}",
        "{n, plural, other {a}",
    ],
)
def test_what_rows_cannot_show_stays_one_text(text: str) -> None:
    [variation] = Fields.of([{"text": text}]).variations
    assert (variation.around, variation.said) == (None, text)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (CaseRow(key="other", is_exact=False, text=" "), "all other numbers"),
        (CaseRow(key="", text="none"), "Write a whole number"),
        (CaseRow(key="1.5", text="none"), "Write a whole number"),
        (CaseRow(key="one", is_exact=False, text="the users'"), "Write ’ instead"),
        (CaseRow(key="one", is_exact=False, text="a { b"), "Take the others out"),
        (CaseRow(key="one", is_exact=False, text="{m, plural, other {b}}"), "Take the others out"),
    ],
    ids=["other is missing", "no number", "a fraction", "an apostrophe", "a brace", "a plural in it"],
)
def test_a_row_says_what_is_wrong_and_what_to_do(row: CaseRow, said: str) -> None:
    assert said in case_problems([row])[0]


def test_two_apostrophes_are_one_and_stay_two_in_the_row() -> None:
    text = "{n, plural, one {the user''s} other {the users''}}"
    [variation] = Fields.of([{"text": text}]).variations
    assert [row.text for row in variation.cases] == ["the user''s", "the users''"]
    assert variation.said == text


def test_a_number_has_one_row() -> None:
    rows = [CaseRow(key="0", text="none"), CaseRow(key="0", text="nothing")]
    assert case_problems(rows) == ("", "There is a row for this number already.")


@pytest.mark.parametrize(
    ("locale", "wanted"),
    [
        ("en", {"one": "1", "other": "0, 2, 3, 4, …"}),
        ("de", {"one": "1", "other": "0, 2, 3, 4, …"}),
        ("hi", {"one": "0, 1, 0.5", "other": "2, 3, 4, 5, …"}),
        ("pl", {"one": "1", "few": "2, 3, 4, 22, …", "many": "0, 5, 6, 7, …", "other": "0.5, 1.5"}),
        ("cs", {"one": "1", "few": "2, 3, 4", "many": "0.5, 1.5", "other": "0, 5, 6, 7, …"}),
        ("ja", {"other": "0, 1, 2, 3, …"}),
        ("xx", {"other": "0, 1, 2, 3, …"}),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_language_has_its_own_categories(locale: str, wanted: dict[str, str]) -> None:
    assert dict(plural_examples(locale)) == wanted
    rows = in_language([CaseRow(key="0", text="none"), CaseRow(key="two", is_exact=False, text="kept")], locale)
    keys = [row.selector for row in rows]
    assert set(keys) == {*wanted, "two", "=0"}
    assert keys[-2:] == ["other", "=0"]


DEFAULT = "Hello {name}. You have {days, plural, =0 {no days} one {# day} other {# days}} left."


@pytest.fixture
async def stored(redis_client: redis.asyncio.Redis) -> Catalogue:
    catalogue = Catalogue(redis_client)
    await catalogue.seed({"utter_left": [{"text": DEFAULT}], "utter_count": [{"text": "{count} orders."}]})
    return catalogue


@pytest.fixture
async def visitor(redis_client: redis.asyncio.Redis, stored: Catalogue) -> AsyncIterator[Visitor]:
    async with Visitor(studio_on(redis_client)) as visitor:
        yield visitor


async def reshaped(visitor: Visitor, form: dict[str, str], shape: str) -> tuple[dict[str, str], str]:
    page = (await visitor.post("/message/form", data={**form, "shape": shape})).text
    kept = {name: value for name, value in form.items() if not name.startswith("v0.")}
    return {**kept, **dict(form_of(f'<form method="post" action="/message">{page}</form>', "/message"))}, page


async def test_each_case_has_its_field(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("utter_left")
    assert (form["v0.before"], form["v0.number"], form["v0.after"]) == ("Hello {name}. You have ", "days", " left.")
    assert [form[f"v0.p{i}.text"] for i in range(int(form["v0.cases"]))] == ["# day", "# days", "no days"]
    form, _ = await reshaped(visitor, form, "remove-case:0:2")
    form, _ = await reshaped(visitor, form, "add-case:0")
    changes = {"v0.before": "You have ", "v0.p1.text": "{name}, # days", "v0.p2.key": "7", "v0.p2.text": "a week"}
    assert (await visitor.press({**form, **changes}, "publish")).status_code == 303
    assert (await stored.get("utter_left", "en")).value == (
        "You have {days, plural, one {# day} other {{name}, # days} =7 {a week}} left."
    )


async def test_a_mistake_is_said_at_its_row_and_nothing_is_lost(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("utter_left")
    refused = await visitor.press(form, "publish", **{"v0.p1.text": "", "v0.p0.text": "# day’s"})
    assert refused.status_code == 422
    at_row = re.findall(r'<div id="(v0-p\d)-problem"[^>]*><span class="bad-words">(.*?)</span>', refused.text)
    assert at_row == [("v0-p1", "Write what is said for all other numbers.")]
    assert dict(form_of(refused.text, "/message"))["v0.p0.text"] == "# day’s"
    refused = await visitor.press(form, "publish", **{"v0.number": "the days"})
    assert refused.status_code == 422
    assert "Name the number" in refused.text
    for shape in ("as-text:0", "as-json:0"):
        kept, _ = await reshaped(visitor, {**form, "v0.p1.text": "a { b"}, shape)
        assert kept["v0.p1.text"] == "a { b"
    assert (await stored.get("utter_left", "en")).origin == "default"


async def test_a_plain_text_is_made_to_depend_on_a_number_and_back(visitor: Visitor, stored: Catalogue) -> None:
    form = await visitor.opened("utter_count")
    form, _ = await reshaped(visitor, form, "as-cases:0")
    assert (form["v0.number"], form["v0.p0.key"], form["v0.p1.text"]) == ("count", "one", "{count} orders.")
    form |= {"v0.p0.text": "One order."}
    back, _ = await reshaped(visitor, form, "as-text:0")
    assert back["v0.text"] == "{count, plural, one {One order.} other {{count} orders.}}"
    assert "v0.number" not in back
    again, _ = await reshaped(visitor, back, "as-cases:0")
    assert again["v0.p0.text"] == "One order."
    assert (await visitor.press(again, "publish")).status_code == 303
    assert (await stored.get("utter_count", "en")).value == back["v0.text"]


async def test_who_has_not_named_the_number_yet_sees_the_text_and_can_go_back(visitor: Visitor) -> None:
    form = {**await visitor.opened("utter_count"), "v0.text": "Hello {name}: {count} orders."}
    form, page = await reshaped(visitor, form, "as-cases:0")
    assert form["v0.number"] == ""
    assert "Name the number" in page
    assert "‹count› orders." in re.sub(r"<[^>]+>", "", page.partition('<section id="preview-v0"')[2])
    back, _ = await reshaped(visitor, {**form, "v0.before": "Oh. "}, "as-text:0")
    assert back["v0.text"] == "Oh. Hello {name}: {count} orders."
    kept, _ = await reshaped(visitor, {**form, "v0.p0.text": "One order."}, "as-text:0")
    assert (kept["v0.p0.text"], kept["v0.p1.text"]) == ("One order.", "Hello {name}: {count} orders.")


@pytest.mark.parametrize("text", ["", " ", "a { b", "{total, number}", "{n, plural, one {a}}"])
async def test_what_no_case_could_say_is_not_offered_as_cases(visitor: Visitor, text: str) -> None:
    form = {**await visitor.opened("utter_count"), "v0.text": text}
    form, page = await reshaped(visitor, form, "as-cases:0")
    assert form["v0.text"] == text
    assert "as-cases" not in page


async def test_the_rows_are_those_of_the_language(visitor: Visitor, stored: Catalogue) -> None:
    await stored.save_draft("utter_left", "pl", "{days, plural, one {# dzień} other {# dnia}}", author="a", expected="")
    form = await visitor.opened("utter_left", "pl")
    keys = [form[f"v0.p{i}.key"] for i in range(int(form["v0.cases"]))]
    assert keys == ["one", "few", "many", "other"]
    # Left empty, they are said as all other numbers: they are not written.
    assert (await visitor.press(form, "publish")).status_code == 303
    assert (await stored.get("utter_left", "pl")).value == "{days, plural, one {# dzień} other {# dnia}}"
