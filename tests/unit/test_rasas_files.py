"""Files and calls as Rasa 3.6.21 and Rasa Pro 3.21 have them: what they allow does not cost a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions._yaml import load_yaml
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq import load, open_source
from haptik_actions.messages import Message, MessageStore, UsableResponses, read_domain
from haptik_actions.messages._bulk import values_of
from haptik_actions.messages._exchange import read, write
from haptik_actions.messages._names import Place
from haptik_actions.nlg import nlg_app


def seeded(*variations: Any) -> tuple[Any, str]:
    """What stands in the store of a response, as JSON or a text, and what is said of it."""
    copied = values_of({"utter_x": variations})
    assert copied.refused == {}
    value = copied.values["utter_x"]
    return (json.loads(value) if value[:1] in "[{" else value), copied.changed.get("utter_x", "")


GOLD = {"type": "slot", "name": "tier", "value": "gold"}
NOT_EVALUATED = "Its condition cannot be evaluated here and counts as not fulfilled."

KEPT: list[tuple[dict[str, Any], Any]] = [
    ({"button_type": "vertical"}, {"button_type": "vertical"}),
    ({"allow_interruptions": False}, {"allow_interruptions": False}),
    ({"translation": {"de": "Hallo"}}, {"translation": {"de": "Hallo"}}),
    ({"metadata": ["a"]}, {"metadata": ["a"]}),
    ({"metadata": "a"}, {"metadata": "a"}),
    ({"metadata": {"rephrase": True}}, {"metadata": {"rephrase": True}}),
    ({"buttons": [{"title": "A", "payload": "/a", "translation": {"de": {"title": "B"}}}]}, None),
    ({"condition": [GOLD]}, {"condition": [GOLD]}),
]


@pytest.mark.parametrize(("keys", "kept"), KEPT)
def test_what_rasa_allows_is_carried(keys: dict[str, Any], kept: Any) -> None:
    assert seeded({"text": "Hello", **keys}) == ({"text": "Hello", **(kept or keys)}, "")


LEFT: list[tuple[dict[str, Any], Any, str]] = [
    ({"rephrase": True, "response_id": "a", "image": None}, "Hello", ""),
    ({"colour": "red"}, "Hello", "`colour` is not known here."),
    ({"txet": "red"}, "Hello", "`txet` is not known here. Did you mean 'text'?"),
    ({"buttons": [{"payload": "/a"}]}, {"text": "Hello", "buttons": []}, "A button without a title is left out."),
    (
        {"condition": 'slots.tier is "gold"'},
        {"text": "Hello", "condition": [{"type": "predicate", "value": 'slots.tier is "gold"'}]},
        NOT_EVALUATED,
    ),
    (
        {"condition": [GOLD, {"name": "x"}]},
        {"text": "Hello", "condition": [GOLD, {"type": "predicate", "value": {"name": "x"}}]},
        NOT_EVALUATED,
    ),
    ({"condition": True}, {"text": "Hello", "condition": [{"type": "predicate", "value": True}]}, NOT_EVALUATED),
]


@pytest.mark.parametrize(("keys", "value", "said"), LEFT)
def test_what_means_nothing_here_is_left_out_and_named(keys: dict[str, Any], value: Any, said: str) -> None:
    assert seeded({"text": "Hello", **keys}) == (value, said)


VARIATIONS: list[tuple[list[Any], Any, str]] = [
    ([{"text": "One"}, {"text": ""}, {"text": "Two"}], ["One", "Two"], "Variation 2: text: It is blank"),
    ([{"text": "One"}, {"text": 5}], "One", "Variation 2: text: A text is wanted."),
    ([{"text": "One"}, 5, None], "One", "Variation 2: A variation is a text or an object. Variation 3:"),
    ([{"text": "One"}, {"custom": [1]}], "One", "Variation 2: custom: An object is wanted."),
    ([{"text": "One"}, {"metadata": 1}], "One", "Variation 2: It shows nothing"),
    ([{"text": " ", "image": "https://x.example/a.png"}], {"image": "https://x.example/a.png"}, ""),
    ([{"text": "half \ud83d"}], "half ", ""),
    ([{"text": "\ud83d\ude00"}], "😀", ""),
]


@pytest.mark.parametrize(("variations", "value", "said"), VARIATIONS)
def test_one_unusable_variation_does_not_cost_the_others(variations: list[Any], value: Any, said: str) -> None:
    stored, problem = seeded(*variations)
    assert stored == value
    assert problem.startswith(said)
    assert bool(problem) == bool(said)


@pytest.mark.parametrize("variations", [[], [{"text": ""}], [{"txet": "a"}], "Hello", None, [{"custom": {(1, 2): 3}}]])
def test_a_response_of_which_nothing_can_be_said_is_refused(variations: Any) -> None:
    copied = values_of({"utter_x": variations, "utter_y": [{"text": "y"}]})
    assert copied.values == {"utter_y": "y"}
    assert list(copied.refused) == ["utter_x"]
    assert copied.refused["utter_x"]


def test_whoever_reads_the_domain_in_rasas_process_leaves_the_rest_to_rasa() -> None:
    pro = [{"text": "gold", "condition": 'slots.tier is "gold"'}, {"text": "all"}]
    assert UsableResponses({"utter_pro": pro, "utter_x": [{"text": "x"}]}) == {"utter_x": "x"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["text", "buttons", "condition", "metadata", "custom", "channel", "x"]), _JSON))
def test_whatever_a_response_holds_the_good_variation_beside_it_is_said(response: Mapping[str, Any]) -> None:
    value = values_of({"utter_x": [response, {"text": "good"}]}).values["utter_x"]
    assert Message.parse(value).variations[-1].text == "good"


# The endpoint


async def post(store: MessageStore, body: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(app=nlg_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://nlg") as client:
        return await client.post("/", content=body)


def call(**tracker: Any) -> bytes:
    tracker = {"slots": {}, "latest_message": {"text": "hi"}, "events": [], **tracker}
    return json.dumps({"response": "utter_x", "arguments": {}, "tracker": tracker, "channel": {"name": "x"}}).encode()


CALLS = [
    call(slots={"n": float("nan"), "m": float("inf"), "o": float("-inf")}),
    call(latest_message={"text": "half \ud83d"}),
    call(latest_message={"text": "half \ude00", "metadata": {"a": "\ud83d"}}),
    call(events=[{"event": "user", "text": "\ud83d"}, {"event": "slot", "value": float("nan")}]),
    call(slots={"n": "\ud83d"}, events=[{"\ud83d": 1}]),
    call(slots={"n": 10**400}),
]


@pytest.mark.parametrize("body", CALLS, ids=range(len(CALLS)))
async def test_calls_as_pythons_json_writes_them_are_answered(body: bytes) -> None:
    answer = await post(MessageStore(defaults={"en": {"utter_x": "Hello"}}), body)
    assert (answer.status_code, answer.json()) == (200, {"text": "Hello"})


@pytest.mark.parametrize(
    ("message", "slots", "said"),
    [
        ("n is {n}", {"n": float("nan")}, "n is nan"),
        ("a \ud83d b", {}, "a  b"),
        ("{n}", {"n": "half \ud83d"}, "half "),
        ("\ud83d{n}", {"n": "\ude00"}, "\ud83d{n}"),
        ('{"text": "Hi \\ud83d", "channel": "x"}', {}, "Hi "),
        ('["Hi \\ud83d\\ude00"]', {}, "Hi 😀"),
    ],
)
async def test_a_message_with_half_of_a_pair_is_said_without_it(message: str, slots: dict[str, Any], said: str) -> None:
    answer = await post(MessageStore(defaults={"en": {"utter_x": message}}), call(slots=slots))
    assert answer.status_code == 200
    if "{n}" not in said:
        assert answer.json()["text"] == said


@pytest.mark.parametrize("body", [b"[" * 3000, b'{"a":' * 3000, call()[:-2] + b',"x":' + b"[" * 3000, b"", b"\xff"])
async def test_what_is_no_call_is_a_400(body: bytes) -> None:
    assert (await post(MessageStore(), body)).status_code == 400


async def test_a_condition_that_cannot_be_evaluated_is_not_fulfilled() -> None:
    value = '[{"text": "gold", "condition": "slots.tier is \\"gold\\""}, "all"]'
    assert Message.parse(Message.parse(value).dump()) == Message.parse(value)
    answer = await post(MessageStore(defaults={"en": {"utter_x": value}}), call(slots={"tier": "gold"}))
    assert answer.json() == {"text": "all"}


async def test_what_only_rasa_reads_reaches_it() -> None:
    value = json.dumps({"text": "Hi", "button_type": "vertical", "metadata": ["a"], "translation": {"de": "Hallo"}})
    answer = await post(MessageStore(defaults={"en": {"utter_x": value}}), call())
    assert answer.json() == {"text": "Hi", "button_type": "vertical", "metadata": ["a"]}


TRANSLATED: dict[str, Any] = {
    "text": "{n, plural, one {# order} other {# orders}}",
    "translation": {
        "pl": "{n, plural, one {# plik} few {# pliki} other {# plików}}",
        "de": "{n} Bestellungen",
        "fr": 5,
    },
    "buttons": [
        {"title": "Yes", "payload": "/yes", "translation": {"de": {"title": "Ja"}, "de-AT": {"title": "Jo"}}},
        {"title": "Shop", "url": "https://a.example", "translation": {"de": {"url": "https://a.example/de"}}},
        {"title": "No", "payload": "/no"},
    ],
}
IN_ENGLISH = ["3 orders", "Yes", "https://a.example"]
IN_GERMAN = ["3 Bestellungen", "Ja", "https://a.example/de"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (None, IN_ENGLISH),
        ("en-IN", IN_ENGLISH),
        ("fr", IN_ENGLISH),
        ("no tag!", IN_ENGLISH),
        ("de", IN_GERMAN),
        ("de_CH", IN_GERMAN),
        ("de-AT", ["3 Bestellungen", "Jo", "https://a.example/de"]),
        # Its numbers are counted as the language does.
        ("pl", ["3 pliki", "Yes", "https://a.example"]),
    ],
)
async def test_a_responses_own_translation_is_said(language: str | None, said: list[str]) -> None:
    store = MessageStore(defaults={"en": {"utter_x": json.dumps(TRANSLATED)}})
    answer = (await post(store, call(slots={"n": 3, "language_code": language}))).json()
    assert [answer["text"], answer["buttons"][0]["title"], answer["buttons"][1]["url"]] == said
    assert answer["buttons"][2] == {"title": "No", "payload": "/no"}
    assert "translation" not in json.dumps(answer)


async def test_what_is_written_in_the_users_language_goes_before_a_translation() -> None:
    german = json.dumps({"text": "Guten Tag", "translation": {"de": "Hallo"}})
    store = MessageStore(defaults={"en": {"utter_x": json.dumps(TRANSLATED)}, "de": {"utter_x": german}})
    answer = await post(store, call(slots={"n": 3, "language_code": "de"}))
    assert answer.json() == {"text": "Guten Tag"}


# YAML

YAML = [
    ('a: "Hello \\ud83d\\ude00"', "Hello 😀"),
    ("a: 'Caf\\u00e9'", "Café"),
    ("a: Caf\\u00e9", "Café"),
    ("a: |\n  Caf\\u00e9", "Café"),
    ("a: 'C:\\\\u00e9'", "C:\\\\u00e9"),
    ("a: 'half \\ud83d'", "half "),
    ('a: "quote \\u0022 here"', 'quote " here'),
    ("a: 'quote \\u0027 here'", "quote ' here"),
    # Not all of it is ASCII: only double quotes have escapes.
    ("a: 'Caf\\u00e9 é'", "Caf\\u00e9 é"),
    ('a: "Caf\\u00e9 é \\ud83d\\ude00"', "Café é 😀"),
    ("a: C:\\users", "C:\\users"),
    ("a: ${CDN}/x.png", "https://cdn.example/x.png"),
    ("a: https://${HOST}/x.png", "https://host.example/x.png"),
    ("a: ${CDN}/$HOST/$NONE", "https://cdn.example/host.example/$NONE"),
    ('a: "${CDN}/x.png"', "${CDN}/x.png"),
    ("a: '${CDN}'", "${CDN}"),
    ("a: $HOST costs $5", "$HOST costs $5"),
]
ENVIRONMENT = {"CDN": "https://cdn.example", "HOST": "host.example"}


@pytest.mark.parametrize(("text", "value"), YAML)
def test_yaml_is_read_as_rasa_reads_it(text: str, value: str) -> None:
    assert load_yaml(text, "x.yml", ENVIRONMENT) == {"a": value}


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: ${CDM}/x.png", r"x.yml, line 2: \$\{CDM\} stands for a variable .* not set"),
        ("a: https://${CDM}/x.png", r"\$\{CDM\}"),
        ("a: [", "line 1"),
        ("a: " + "[" * 3000, "x.yml"),
        ("a: 2026-13-45", "not valid YAML"),
        ("? [a, {b: c}]\n: d", "x.yml"),
        ("a: &a [*a]", "stands in"),
        ("a: &a {b: {c: *a}}", "stands in"),
        (BOMB, "more than 100,000 values"),
    ],
)
def test_yaml_that_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_yaml(text, "x.yml", ENVIRONMENT)


DOMAIN = """
responses:
  utter_faq/x:
    - text: 'Caf\\u00e9'
      image: ${CDN}/x.png
slots: {}
nlu:
  - intent: faq/x
    examples: |
      - Wo ist das Caf\\u00e9?
"""


def test_an_alias_that_repeats_little_is_none_of_that() -> None:
    assert load_yaml("a: &a [1]\nb: *a\nc: [*a, *a]", "x.yml", None) == {"a": [1], "b": [1], "c": [[1], [1]]}


def test_seed_and_faq_read_the_files_in_that_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "domain.yml").write_text(DOMAIN, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="CDN"):
        read_domain(tmp_path / "domain.yml")
    monkeypatch.setenv("CDN", "https://cdn.example")
    response = {"text": "Café", "image": "https://cdn.example/x.png"}
    assert read_domain(tmp_path / "domain.yml").responses == {"utter_faq/x": [response]}
    _, nodes = load(open_source(tmp_path))
    assert nodes is not None
    [cells] = nodes.rows()
    assert cells[:3] == ["x", "Wo ist das Café?", "Café<m>https://cdn.example/x.png"]


def test_an_import_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAPTIK_TOKEN", "secret")
    with pytest.raises(ConfigurationError, match=r"\$\{HAPTIK_TOKEN\} .* none is read here"):
        read("yaml", b"en:\n  utter_x: ${HAPTIK_TOKEN}")
    [row] = read("yaml", rb"en: {utter_x: 'Caf\u00e9'}")
    assert row.value == "Café"


@given(st.text(st.sampled_from("\\ud83 e0{}$AN'\"\n: é"), min_size=1, max_size=20).filter(str.strip))
def test_what_was_exported_as_yaml_is_read_back(text: str) -> None:
    exported = write("yaml", [(Place("en", "utter_x"), text, None)])
    assert [row.value for row in read("yaml", exported)] == [text]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # What comes behind is not read any more: here it is no YAML.
        ("one: 1\none: 2\ntwo: [", 2),
        ("? one\n: 1\n? one\n: 2\ntwo: ]", 3),
        ("[{one: 1, two: 2,\n one: 3}, ]]", 2),
        ("&key one: 1\ntwo: 2\n*key : 3\n]", 1),
        (":\r" * 17_500 + "]", 2),
    ],
)
def test_nothing_is_read_behind_a_key_that_stands_twice(text: str, line: int) -> None:
    with pytest.raises(ConfigurationError, match=f"line {line}: a key stands twice"):
        load_yaml(text, "x.yml", {})


def test_the_same_key_may_stand_in_several_objects() -> None:
    text = "one: {two: 1, three: [{two: 2}, {two: 3}]}\ntwo: &it {two: 4}\nthree: *it\n"
    it = {"two": 4}
    assert load_yaml(text, "x.yml", {}) == {
        "one": {"two": 1, "three": [{"two": 2}, {"two": 3}]},
        "two": it,
        "three": it,
    }
