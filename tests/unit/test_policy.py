"""The domain decides: which team, which errors, which hours, which copy."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa_sdk import Action

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.escalation import HandOffOptions, read_options
from haptik_actions.messages import MessageStore, packaged_copy
from tests.support.rasa import action_call, run_action

COPY = packaged_copy()
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="fallback")
WHO = {"user_name": "u1", "business_id": 343}


class Platform:
    def __init__(self) -> None:
        self.teams: list[str] = []
        self.unknown: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.teams.append(json.loads(request.content)["team_name"])
        if self.teams[-1] in self.unknown:
            return httpx.Response(400, json={"error_message": "invalid team_name provided"})
        return httpx.Response(200, json={"success": True})


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    store = MessageStore(defaults={"en": {"vip_closed": "VIPs wait too", "sorry": "My mistake"}})
    transport = httpx.MockTransport(platform)
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport, messages=store))
    yield platform
    configure()


class OwnError(LookupError):
    pass


class Failing(Action):
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or OwnError("order 1001 of Asha")

    def name(self) -> str:
        return "action_failing"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="Let me look.")
        raise self.error


async def fail(slot: Any, error: BaseException | None = None, channel: str = "rest", **slots: Any) -> dict[str, Any]:
    metadata = {**WHO, **slots.pop("metadata", {})}
    call = action_call("x", metadata=metadata, channel=channel, slots={"haptik": slot, **slots})
    return await run_action(Failing(error), call)


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


RULES = {
    "team": "support",
    "teams": [
        {"when": {"slots": {"tier": "gold", "open": True}}, "team": "vip"},
        {"when": {"channel": "facebook", "locale": "hi"}, "team": "social_hindi"},
        {"when": {"channel": "facebook"}, "team": ["social", "support"]},
        {"when": {"locale": "pt-BR"}, "team": "brazil"},
    ],
}


@pytest.mark.parametrize(
    ("channel", "slots", "team"),
    [
        ("rest", {}, "support"),
        ("rest", {"tier": "gold"}, "support"),
        ("rest", {"tier": "gold", "open": True}, "vip"),
        ("facebook", {"tier": "gold", "open": True}, "vip"),
        ("facebook", {}, "social"),
        ("facebook", {"metadata": {"language_code": "hi-IN"}}, "social_hindi"),
        ("facebook", {"metadata": {"language_code": "his"}}, "social"),
        ("rest", {"metadata": {"language_code": "hi"}}, "support"),
        ("rest", {"metadata": {"language_code": "pt_BR"}}, "brazil"),
        ("rest", {"metadata": {"language_code": "pt"}}, "support"),
    ],
)
async def test_the_first_rule_that_fits_names_the_team(
    platform: Platform, channel: str, slots: dict[str, Any], team: str
) -> None:
    await fail(RULES, channel=channel, **slots)
    assert platform.teams == [team]


async def test_a_ladder_goes_on_where_a_team_is_unknown(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    platform.unknown = {"night", "late"}
    answer = await fail({"team": ["night", "late", "support"]})
    assert platform.teams == ["night", "late", "support"]
    receipt = answer["events"][0]["value"]
    assert (receipt["state"], receipt["team"]) == ("connected", "support")
    assert "next team" in caplog.text


async def test_a_ladder_that_ends_is_unavailable(platform: Platform) -> None:
    platform.unknown = {"night", "late"}
    receipt = (await fail({"team": ["night", "late"]}))["events"][0]["value"]
    assert (receipt["state"], receipt["reason"], receipt["team"]) == ("unavailable", "UnknownTeam", "night")


@pytest.mark.parametrize(
    ("on_error", "outcome"),
    [
        ({}, "handoff"),
        ({"OwnError": "apologise"}, "apologise"),
        ({"LookupError": "apologise"}, "apologise"),
        ({"LookupError": "apologise", "OwnError": "handoff"}, "handoff"),
        ({"Exception": "pass", "LookupError": "apologise"}, "apologise"),
        ({"KeyError": "apologise"}, "handoff"),
        ({"OwnError": "pass"}, "pass"),
    ],
)
async def test_the_nearest_class_decides(platform: Platform, on_error: dict[str, str], outcome: str) -> None:
    if outcome == "pass":
        with pytest.raises(OwnError):
            await fail({"on_error": on_error})
        return
    answer = await fail({"on_error": on_error})
    if outcome == "apologise":
        assert texts(answer) == ["Let me look.", COPY["haptik_apology"]]
        assert answer["events"] == []
        assert platform.teams == []
    else:
        assert platform.teams == ["fallback"]


async def test_an_apology_has_a_key_of_its_own(platform: Platform) -> None:
    slot = {"on_error": {"OwnError": "apologise"}, "messages": {"apology": "sorry"}}
    assert texts(await fail(slot))[-1] == "My mistake"


async def test_earlier_messages_can_be_dropped(platform: Platform) -> None:
    assert texts(await fail({"earlier_messages": "drop"})) == [COPY["haptik_handoff_connected"]]


@pytest.mark.parametrize(
    ("messages", "text"),
    [({}, COPY["haptik_handoff_connected_closed"]), ({"connected_closed": "vip_closed"}, "VIPs wait too")],
)
async def test_outside_the_hours_the_copy_is_another(platform: Platform, messages: dict[str, str], text: str) -> None:
    slot = {"hours": {"timezone": "UTC", "open": {}}, "messages": messages}
    answer = await fail(slot)
    assert texts(answer)[-1] == text
    assert platform.teams == ["fallback"], "the chat waits all the same"


async def test_a_receipt_without_closed_copy_keeps_its_own(platform: Platform) -> None:
    platform.unknown = {"fallback"}
    answer = await fail({"hours": {"timezone": "UTC", "open": {}}})
    assert texts(answer)[-1] == COPY["haptik_handoff_unavailable"]


INDIA = {"timezone": "Asia/Kolkata", "open": {"mon-fri": "09:00-18:00", "sat": "10:00-14:00", "sun": "22:00 - 02:00"}}


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-23T03:29", False),  # Monday 08:59 in India
        ("2026-11-23T03:30", True),
        ("2026-11-23T12:29", True),
        ("2026-11-23T12:30", False),
        ("2026-11-21T04:29", False),  # Saturday 09:59
        ("2026-11-21T08:00", True),
        ("2026-11-22T10:00", False),  # Sunday
        ("2026-11-22T17:00", True),  # Sunday 22:30
        ("2026-11-22T19:00", True),  # Monday 00:30, Sunday's span
        ("2026-11-22T20:31", False),  # Monday 02:01
    ],
)
def test_hours_are_those_of_the_time_zone(at: str, is_open: bool) -> None:
    options, mistakes = read_options({"hours": INDIA}, "x")
    assert mistakes == []
    assert options.hours is not None
    assert options.hours.are_open(datetime.fromisoformat(at).replace(tzinfo=timezone.utc)) is is_open


@pytest.mark.parametrize(
    ("days", "open_days"),
    [("mon", {0}), ("Monday", {0}), ("fri-mon", {4, 5, 6, 0}), ("mon-sun", set(range(7))), ("sun", {6})],
)
def test_days_and_ranges_of_days(days: str, open_days: set[int]) -> None:
    options, mistakes = read_options({"hours": {"timezone": "UTC", "open": {days: "00:00-24:00"}}}, "x")
    assert mistakes == []
    assert options.hours is not None
    week = [datetime(2026, 11, 23 + day, 23, 59, tzinfo=timezone.utc) for day in range(7)]
    assert {at.weekday() for at in week if options.hours.are_open(at)} == open_days


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"team": []}, "x.team"),
        ({"team": ["a", 5]}, "x.team"),
        ({"teams": {"when": {}}}, "x.teams"),
        ({"teams": [{"team": "a"}]}, "x.teams[0]"),
        (
            {"teams": [{"when": {"channel": "rest"}, "team": "a"}, {"when": {"chanel": "x"}, "team": "b"}]},
            "x.teams[1].when",
        ),
        ({"teams": [{"when": {"slots": ["tier"]}, "team": "a"}]}, "x.teams[0].when.slots"),
        ({"teams": [{"when": {"channel": "rest"}, "team": 5}]}, "x.teams[0].team"),
        ({"on_error": "apologise"}, "x.on_error"),
        ({"on_error": {"ValueError": "sorry"}}, "x.on_error.ValueError"),
        ({"hours": "always"}, "x.hours"),
        ({"hours": {"timezone": "Mars/Base", "open": {}}}, "x.hours.timezone"),
        ({"hours": {"open": {}}}, "x.hours.timezone"),
        ({"hours": {"timezone": "UTC", "opened": {}}}, "x.hours.opened"),
        ({"hours": {"timezone": "UTC", "open": {"someday": "09:00-18:00"}}}, "x.hours.open.someday"),
        ({"hours": {"timezone": "UTC", "open": {"mon": 540}}}, "x.hours.open.mon"),
        ({"hours": {"timezone": "UTC", "open": {"mon": "9-18"}}}, "x.hours.open.mon"),
        ({"hours": {"timezone": "UTC", "open": {"mon": "18:00-24:30"}}}, "x.hours.open.mon"),
        ({"hours": {"timezone": "UTC", "open": {"mon,wed": "09:00-18:00"}}}, "x.hours.open.mon,wed"),
        ({"hours": {"timezone": "UTC", "open": {"mon-wed-fri": "09:00-18:00"}}}, "x.hours.open.mon-wed-fri"),
        ({"hours": {"timezone": "UTC", "open": {"monkey": "09:00-18:00"}}}, "x.hours.open.monkey"),
        ({"hours": {"timezone": "UTC"}}, "x.hours.open"),
        ({"teams": [{"when": {"locale": False}, "team": "a"}]}, "x.teams[0].when.locale"),
        ({"teams": [{"when": {"channel": 7}, "team": "a"}]}, "x.teams[0].when.channel"),
        ({"earlier_messages": "delete"}, "x.earlier_messages"),
        ({"deadline": 0}, "x.deadline"),
        ({"deadline": float("nan")}, "x.deadline"),
        ({"retry": 1.5}, "x.retry"),
        ({"limit": 0}, "x.limit"),
        ({"messages": {"conected_closed": "k"}}, "x.messages.conected_closed"),
    ],
)
def test_each_mistake_is_named_by_its_path(values: dict[str, Any], path: str) -> None:
    _, (finding,) = read_options(values, "x")
    assert finding.path == path
    assert str(finding).startswith(f"{path} is ")


def test_what_is_right_beside_a_mistake_is_kept() -> None:
    rules = [{"when": {"channel": "rest"}, "team": "a"}, "nonsense"]
    options, _ = read_options({"teams": rules, "on_error": {"A": "pass", "B": "sorry"}, "deadline": 3}, "x")
    assert options == HandOffOptions(teams=(({"channel": "rest"}, ("a",)),), on_error={"A": "pass"}, deadline=3.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)
NAMES = [*HandOffOptions.__dataclass_fields__, "actions", "teem"]


@given(slot=st.dictionaries(st.sampled_from(NAMES), json_values) | json_values)
async def test_no_slot_stops_the_bot(slot: Any) -> None:
    logging.disable(logging.CRITICAL)
    platform = Platform()
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=httpx.MockTransport(platform)))
    try:
        answer = await fail(slot)
    except OwnError:
        assert slot["on_error"]
    else:
        assert texts(answer)[-1].strip()
    finally:
        configure()
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("days", ["mon-fri", "Mon - Fri", "monday-friday", "mon-thurs"])
def test_days_may_be_written_out(days: str) -> None:
    options, findings = read_options({"hours": {"timezone": "UTC", "open": {days: "09:00-18:00"}}}, "x")
    assert findings == []
    assert options.hours is not None
    assert options.hours.are_open(datetime(2026, 11, 26, 12, tzinfo=timezone.utc))
