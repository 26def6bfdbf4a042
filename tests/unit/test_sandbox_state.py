"""The sandbox's state file: what it accepts, and what it says about what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Business, Partner, Sandbox, State, Team, User

PARTNERS = [{"client_id": "shop", "token": "a-token"}]
SHOP = {"id": 5, "name": "Shop"}


def with_messages(*messages: Any) -> dict[str, Any]:
    user = {"user_name": "asha", "businesses": [5], "messages": list(messages)}
    return {"partners": PARTNERS, "businesses": [SHOP], "users": [user]}


FILE = """
partners:
  - {client_id: shop, token: a-token}
businesses:
  - {id: 5, name: Shop}
  - {id: 6, name: Old shop, active: false}
teams:
  - {name: orders}
users:
  - {user_name: asha, businesses: [5, 6], conversation_no: 2}
  - {user_name: esha}
"""


def test_a_file_a_mapping_and_values_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "state.yaml"
    path.write_text(FILE, "utf-8")
    mapping = {
        "partners": PARTNERS,
        "businesses": [SHOP, {"id": 6, "name": "Old shop", "active": False}],
        "teams": [{"name": "orders"}],
        "users": [{"user_name": "asha", "businesses": [5, 6], "conversation_no": 2}, {"user_name": "esha"}],
    }
    state = State(
        partners=(Partner(client_id="shop", token="a-token"),),
        businesses=(Business(id=5, name="Shop"), Business(id=6, name="Old shop", active=False)),
        teams=(Team(name="orders"),),
        users=(User(user_name="asha", businesses=(5, 6), conversation_no=2), User(user_name="esha")),
    )
    expected = [("asha", 5, 2), ("asha", 6, 2)]
    for sandbox in (
        Sandbox.from_file(path),
        Sandbox.from_file(str(path)),
        Sandbox.from_mapping(mapping),
        Sandbox(state),
    ):
        assert [(chat.user_name, chat.business_id, chat.conversation_no) for chat in sandbox.chats()] == expected


@pytest.mark.parametrize(
    ("state", "path", "remedy"),
    [
        ({}, "top level", "missing required field `partners`"),
        ([], "top level", "Write the sections partners, businesses, teams, users"),
        (None, "top level", "Expected `object`"),
        ({"partners": []}, "partners", "length >= 1"),
        ({"partners": PARTNERS, "team": []}, "top level", "Did you mean 'teams'?"),
        ({"partners": PARTNERS, 7: []}, "top level", "unknown key 7"),
        ({"partners": [{"client_id": "shop", "tokn": "x"}]}, "partners[0]", "Did you mean 'token'?"),
        ({"partners": [{"client_id": "shop"}]}, "partners[0]", "missing required field `token`"),
        ({"partners": [{"client_id": "shop", "token": "two words"}]}, "partners[0].token", "client_id: demo-client"),
        ({"partners": [{"client_id": "shop", "token": "line\n"}]}, "partners[0].token", "client_id: demo-client"),
        ({"partners": PARTNERS, "teams": {"name": "orders"}}, "teams", "Expected `array`"),
        ({"partners": PARTNERS, "teams": ["orders"]}, "teams[0]", "- {name: support"),
        ({"partners": PARTNERS, "teams": [{"name": 7}]}, "teams[0].name", "Expected `str`, got `int`"),
        ({"partners": PARTNERS, "teams": [{"name": ""}]}, "teams[0].name", "Expected `str`"),
        ({"partners": PARTNERS, "teams": [{"name": "\ud800"}]}, "teams[0].name", "Expected `str`"),
        ({"partners": PARTNERS, "teams": [{"name": "a", "active": "yes"}]}, "teams[0].active", "Expected `bool`"),
        ({"partners": PARTNERS, "businesses": [{"id": "5", "name": "S"}]}, "businesses[0].id", "Expected `int`"),
        ({"partners": PARTNERS, "businesses": [{"id": True, "name": "S"}]}, "businesses[0].id", "Expected `int`"),
        ({"partners": PARTNERS, "businesses": [{"id": 0, "name": "S"}]}, "businesses[0].id", ">= 1"),
        (
            {"partners": PARTNERS, "users": [{"user_name": "a", "businesses": [5]}]},
            "users[0].businesses[0]",
            "no business",
        ),
        ({"partners": PARTNERS, "faults": [{"kind": "status"}]}, "faults[0]", "code: None is not an HTTP status"),
        ({"partners": PARTNERS, "faults": [{"kind": "slow"}]}, "faults[0].kind", "Invalid enum value 'slow'"),
        ({"partners": PARTNERS, "faults": [{"kind": "hang", "time": 1}]}, "faults[0]", "Did you mean 'times'?"),
        ({"partners": PARTNERS, "domains": [{"name": "a"}] * 2}, "domains[1].name", "'a' stands twice"),
        ({"partners": PARTNERS, "domains": [{"name": "a", "client_ids": ["x"]}]}, "domains[0].client_ids[0]", "'x'"),
        ({"partners": PARTNERS, "domains": [{"name": "a", "nodes": [{}]}]}, "domains[0].nodes[0]", "`node_name`"),
        (
            {"partners": PARTNERS, "domains": [{"name": "a", "nodes": [{"name": 1}]}]},
            "domains[0].nodes[0]",
            "node_name",
        ),
        (with_messages({"sender": "bot"}), "users[0].messages[0]", "either text or hsl"),
        (with_messages({"sender": "bot", "text": "a", "hsl": {}}), "users[0].messages[0]", "either text or hsl"),
        (with_messages({"sender": "agent", "text": "a"}), "users[0].messages[0].agent_name", "sender is agent"),
        (with_messages({"sender": "bot", "text": "a", "agent_name": "b"}), "users[0].messages[0].agent_name", "agent"),
        (with_messages({"sender": "bot", "text": "a", "business_id": 6}), "users[0].messages[0]", "no chat on that"),
        (with_messages({"sender": "system", "text": "a"}), "users[0].messages[0].sender", "Invalid enum value"),
        (with_messages({"sender": "bot", "txt": "a"}), "users[0].messages[0]", "Did you mean 'text'?"),
        (
            {"partners": PARTNERS, "users": [{"user_name": "a", "pxut": "p"}, {"user_name": "b", "pxut": "p"}]},
            "users[1].pxut",
            "the token stands twice",
        ),
        ({"partners": PARTNERS * 2}, "partners[1].client_id", "'shop' stands twice"),
        ({"partners": PARTNERS, "businesses": [SHOP, SHOP]}, "businesses[1].id", "5 stands twice"),
        ({"partners": PARTNERS, "teams": [{"name": "a"}, {"name": "a"}]}, "teams[1].name", "'a' stands twice"),
        ({"partners": PARTNERS, "users": [{"user_name": "a"}] * 2}, "users[1].user_name", "'a' stands twice"),
        (
            {"partners": PARTNERS, "businesses": [SHOP], "users": [{"user_name": "a", "businesses": [5, 5]}]},
            "users[0].businesses[1]",
            "5 stands twice",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_explained(state: Any, path: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Sandbox.from_mapping(state)
    assert str(caught.value).startswith(f"state: {path}: ")
    assert remedy in str(caught.value)


def test_values_check_themselves_too() -> None:
    with pytest.raises(ConfigurationError, match=r"^teams\[1\].name: 'a' stands twice"):
        State(partners=(Partner(client_id="shop", token="t"),), teams=(Team(name="a"), Team(name="a")))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("partners: [\n", "line 2, column 1: not valid YAML"),
        ("partners:\n  - {client_id: a, token: top-secret, token: top-secret}\n", "a key stands twice"),
        ("partners: @top-secret\n", "line 1, column 11"),
        ("partners: 2026-99-99\n", "not valid YAML"),
        ("[" * 400, "not valid YAML"),
        ("", "top level"),
        ("teams: [{name: 7}]\n", "teams[0].name"),
    ],
)
def test_a_bad_file_is_named_without_quoting_it(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Sandbox.from_file(path)
    assert str(caught.value).startswith(str(path))
    assert where in str(caught.value)
    assert "top-secret" not in str(caught.value)
    assert "top-secret" not in str(caught.value.__context__)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Sandbox.from_file(tmp_path / name)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(FILE.replace("Old shop", "Café").encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        Sandbox.from_file(path)


def test_a_partner_does_not_show_its_token() -> None:
    assert "a-token" not in repr(Partner(client_id="shop", token="a-token"))


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("shop") | st.just(5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["client_id", "token", "id", "name", "active", "user_name", "businesses"]), inner
        )
        | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=12,
)
SECTIONS = st.sampled_from(["partners", "businesses", "teams", "users"])


@given(st.dictionaries(SECTIONS, ANYTHING) | ANYTHING)
def test_any_mapping_is_a_state_or_explained(raw: Any) -> None:
    try:
        outcome = str(Sandbox.from_mapping(raw).queue())
    except ConfigurationError as error:
        outcome = str(error)
    assert outcome == "[]" or outcome.startswith("state: ")
