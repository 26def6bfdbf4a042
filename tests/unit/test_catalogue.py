from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError, EditConflict, InvalidMessage, MessagesUnavailable
from haptik_actions.messages import Catalogue, Context, Message, check_message, packaged_copy
from tests.support.patience import message_store
from tests.support.ports import free_port
from tests.support.valkey import Valkey

NEVER = "0-"


@pytest.fixture
async def catalogue(redis_client: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[Catalogue]:
    catalogue = Catalogue.from_url(valkey_url, clock=lambda: 1_000_000.0)
    yield catalogue
    await catalogue.aclose()


async def live(client: redis.asyncio.Redis, key: str, locale: str = "en") -> str | None:
    value: Any = await client.get(f"haptik:messages:{locale}:{key}")
    return None if value is None else str(value, "utf-8")


async def test_publishing_writes_the_text_alone_and_its_history_beside_it(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    entry = await catalogue.publish("utter_greet", "en", "Hello!", author="asha", why="shorter", expected=NEVER)
    assert await live(redis_client, "utter_greet") == "Hello!"
    assert (entry.value, entry.number, entry.author, entry.why) == ("Hello!", 1, "asha", "shorter")
    assert entry.at is not None
    assert entry.at.timestamp() == 1_000_000
    [raw] = await redis_client.lrange("haptik:messages-history:{haptik:messages:en:utter_greet}", 0, -1)
    assert json.loads(raw) == {
        "number": 1,
        "action": "publish",
        "author": "asha",
        "at": "1970-01-12T13:46:40+00:00",
        "why": "shorter",
        "value": "Hello!",
        "digest": "69342c5c39e5ae5f0077aecc32c0f81811fb8193",
    }


async def test_two_writers_on_one_message_are_told(catalogue: Catalogue) -> None:
    await catalogue.publish("utter_greet", "en", "first", author="asha", expected=NEVER)
    with pytest.raises(EditConflict, match="by asha at 1970-01-12") as caught:
        await catalogue.publish("utter_greet", "en", "second", author="ben", expected=NEVER)
    assert caught.value.current.value == "first"
    assert caught.value.current.author == "asha"


async def test_of_many_writers_at_once_one_wins_and_no_version_is_lost(valkey_url: str, catalogue: Catalogue) -> None:
    writers = [Catalogue.from_url(valkey_url) for _ in range(5)]
    won: list[str] = []

    async def write(writer: Catalogue, name: str) -> None:
        for turn in range(10):
            revision = (await writer.get("utter_greet", "en")).revision
            await asyncio.sleep(random.random() / 500)
            try:
                await writer.publish("utter_greet", "en", f"{name} {turn}", author=name, expected=revision)
                won.append(f"{name} {turn}")
            except EditConflict:
                pass

    await asyncio.gather(*(write(writer, f"writer{at}") for at, writer in enumerate(writers)))
    history = await catalogue.history("utter_greet", "en", limit=100)
    assert sorted(str(version.value) for version in history) == sorted(won)
    assert [version.number for version in history] == list(range(len(won), 0, -1))
    await asyncio.gather(*(writer.aclose() for writer in writers))


async def test_an_edit_by_hand_is_a_version_of_its_own(catalogue: Catalogue, redis_client: redis.asyncio.Redis) -> None:
    before = await catalogue.publish("utter_greet", "en", "published", author="asha", expected=NEVER)
    await redis_client.set("haptik:messages:en:utter_greet", "by hand")
    entry = await catalogue.get("utter_greet", "en")
    assert (entry.value, entry.number, entry.action, entry.author) == ("by hand", 2, "outside", "")
    with pytest.raises(EditConflict, match="by hand in Redis"):
        await catalogue.publish("utter_greet", "en", "x", author="ben", expected=before.revision)
    # A second one is told from the first, although nothing was published in between.
    await redis_client.set("haptik:messages:en:utter_greet", "by hand again")
    with pytest.raises(EditConflict):
        await catalogue.publish("utter_greet", "en", "x", author="ben", expected=entry.revision)
    entry = await catalogue.get("utter_greet", "en")
    await catalogue.publish("utter_greet", "en", "x", author="ben", expected=entry.revision)
    versions = await catalogue.history("utter_greet", "en")
    assert [(v.number, v.action, v.value) for v in versions] == [
        (3, "publish", "x"),
        (2, "outside", "by hand again"),
        (1, "publish", "published"),
    ]


@pytest.mark.parametrize("by_hand", [b"\xff\xfe", b"", b'"quoted \\ \x00'])
async def test_whatever_was_set_by_hand_can_be_replaced(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis, by_hand: bytes
) -> None:
    await redis_client.set("haptik:messages:en:utter_greet", by_hand)
    entry = await catalogue.get("utter_greet", "en")
    assert entry.action == "outside"
    entry = await catalogue.publish("utter_greet", "en", "good", author="asha", expected=entry.revision)
    assert (entry.value, entry.number) == ("good", 2)
    assert (await catalogue.history("utter_greet", "en"))[0].number == 2


async def test_a_list_or_a_foreign_history_in_the_place_of_ours_is_no_dead_end(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    await redis_client.lpush("haptik:messages:en:utter_greet", "x")
    await redis_client.lpush("haptik:messages-history:{haptik:messages:en:utter_greet}", "not JSON")
    entry = await catalogue.get("utter_greet", "en")
    await catalogue.publish("utter_greet", "en", "good", author="asha", expected=entry.revision)
    assert await live(redis_client, "utter_greet") == "good"


async def test_rolling_back_makes_a_new_version(catalogue: Catalogue) -> None:
    entry = await catalogue.publish("utter_greet", "en", "one", author="asha", expected=NEVER)
    entry = await catalogue.publish("utter_greet", "en", "two", author="asha", expected=entry.revision)
    entry = await catalogue.delete("utter_greet", "en", author="asha", expected=entry.revision)
    assert entry.origin == "missing"
    entry = await catalogue.rollback("utter_greet", "en", 1, author="ben", expected=entry.revision)
    assert (entry.value, entry.number, entry.action, entry.why) == ("one", 4, "rollback", "back to version 1")
    entry = await catalogue.rollback("utter_greet", "en", 3, author="ben", expected=entry.revision)
    assert entry.value is None
    with pytest.raises(ConfigurationError, match="no version 9"):
        await catalogue.rollback("utter_greet", "en", 9, author="ben", expected=entry.revision)


async def test_deleting_goes_back_to_the_default(catalogue: Catalogue) -> None:
    key = "haptik_apology"
    entry = await catalogue.get(key, "en")
    assert (entry.origin, entry.value) == ("default", packaged_copy()[key])
    entry = await catalogue.publish(key, "en", "Sorry!", author="asha", expected=entry.revision)
    assert (entry.origin, entry.default) == ("edited", packaged_copy()[key])
    entry = await catalogue.delete(key, "en", author="asha", expected=entry.revision)
    assert (entry.origin, entry.value) == ("default", packaged_copy()[key])


async def test_drafts(catalogue: Catalogue) -> None:
    draft = await catalogue.save_draft("utter_greet", "en", "{oops", author="asha", why="idea", expected="")
    assert (draft.value, draft.author, draft.based_on) == ("{oops", "asha", NEVER)
    with pytest.raises(EditConflict, match="by asha") as caught:
        await catalogue.save_draft("utter_greet", "en", "mine", author="ben", expected="")
    assert caught.value.current == draft
    draft = await catalogue.save_draft("utter_greet", "en", "better", author="ben", expected=draft.revision)
    entry = await catalogue.get("utter_greet", "en")
    assert (entry.value, entry.draft) == (None, draft)
    assert (await catalogue.search(only="draft")).total == 1
    await catalogue.publish("utter_greet", "en", "better", author="ben", expected=entry.revision, draft=draft.revision)
    assert (await catalogue.get("utter_greet", "en")).draft is None
    draft = await catalogue.save_draft("utter_greet", "en", "again", author="ben", expected="")
    await catalogue.discard_draft("utter_greet", "en", expected=draft.revision)
    with pytest.raises(EditConflict):
        await catalogue.discard_draft("utter_greet", "en", expected=draft.revision)
    assert (await catalogue.search(only="draft")).total == 0


async def test_a_draft_saved_meanwhile_stops_what_would_throw_it_away(catalogue: Catalogue) -> None:
    saved = await catalogue.save_draft("utter_greet", "en", "asha's", author="asha", expected="")
    for draft in ("", "of something else"):
        with pytest.raises(EditConflict, match="saved by asha") as caught:
            await catalogue.publish("utter_greet", "en", "ben's", author="ben", expected=NEVER, draft=draft)
        with pytest.raises(EditConflict, match="saved by asha"):
            await catalogue.delete("utter_greet", "en", author="ben", expected=NEVER, draft=draft)
    assert caught.value.current.draft == saved
    assert await catalogue.history("utter_greet", "en") == ()
    await catalogue.discard_draft("utter_greet", "en", expected=saved.revision)
    with pytest.raises(EditConflict, match="discarded"):
        await catalogue.publish("utter_greet", "en", "ben's", author="ben", expected=NEVER, draft=saved.revision)


async def test_who_has_not_seen_the_draft_leaves_it_alone(catalogue: Catalogue) -> None:
    saved = await catalogue.save_draft("utter_greet", "en", "asha's", author="asha", expected="")
    entry = await catalogue.publish("utter_greet", "en", "one", author="ben", expected=NEVER)
    entry = await catalogue.publish("utter_greet", "en", "two", author="ben", expected=entry.revision)
    entry = await catalogue.rollback("utter_greet", "en", 1, author="ben", expected=entry.revision)
    plan = await catalogue.plan_import(b"en:\n  utter_greet: three\n", "yaml")
    assert (await catalogue.apply_import(plan, author="ben")).written == 1
    entry = await catalogue.get("utter_greet", "en")
    await catalogue.delete("utter_greet", "en", author="ben", expected=entry.revision)
    assert (await catalogue.get("utter_greet", "en")).draft == saved


async def test_of_many_who_publish_while_others_save_drafts_no_text_is_lost(catalogue: Catalogue) -> None:
    for turn in range(20):
        entry = await catalogue.get("utter_greet", "en")
        before = entry.draft.revision if entry.draft else ""
        done = await asyncio.gather(
            catalogue.save_draft("utter_greet", "en", f"draft {turn}", author="asha", expected=before),
            catalogue.publish("utter_greet", "en", f"text {turn}", author="ben", expected=entry.revision, draft=before),
            return_exceptions=True,
        )
        assert all(isinstance(one, EditConflict) for one in done if isinstance(one, BaseException))
        now = await catalogue.get("utter_greet", "en")
        if not isinstance(done[0], BaseException) and not isinstance(done[1], BaseException):
            # Each began from the draft that there was: had there been one, the second would have found another.
            assert before == ""
        if not isinstance(done[0], BaseException):
            assert now.draft is not None
            assert now.draft.value == f"draft {turn}"


async def test_what_is_no_string_in_the_place_of_a_draft_is_no_dead_end(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    key = "haptik:messages-draft:{haptik:messages:en:utter_greet}"
    await redis_client.lpush(key, "by hand")
    entry = await catalogue.get("utter_greet", "en")
    assert entry.draft is None
    await catalogue.publish("utter_greet", "en", "text", author="asha", expected=entry.revision, draft="")
    await redis_client.lpush(key, "by hand")
    assert (await catalogue.save_draft("utter_greet", "en", "mine", author="asha", expected="")).value == "mine"


DEFAULT = Message.parse("Order {order_id} is {state}.")


@pytest.mark.parametrize(
    ("value", "severity", "path", "words"),
    [
        (" ", "error", "", "blank"),
        ("Order {ordr_id} is {state}.", "error", "text", "Did you mean 'order_id'?"),
        ("Order {order_id}", "warning", "text", "{state}"),
        ("Order {order_id} is { state }", "warning", "text", "Write {state}"),
        ("Order {order_id} is {state", "warning", "text", "Write {state}"),
        ('["Order {order_id} is {state}", "Order {order_id}"]', "warning", "[1]", "{state}"),
        ('{"text": "{order_id} {state}", "channel": "slack"}', "error", "", "Add one for all"),
        ('{"text": "{order_id} {state}", "buttons": [{"title": "{nope}"}]}', "error", "buttons[0].title", "{nope}"),
    ],
)
def test_checks(value: str, severity: str, path: str, words: str) -> None:
    findings = check_message(value, Context(DEFAULT, frozenset({"tier"})))
    assert any(f.severity == severity and f.path == path and words in f.words for f in findings), findings


def test_a_plural_is_checked() -> None:
    pytest.importorskip("icu4py")
    context = Context(DEFAULT, frozenset({"count"}))
    [finding, *_] = check_message("{order_id} {state} {count, plural, one {x}}", context)
    assert finding.code == "group"
    assert "other" in finding.words


@pytest.mark.parametrize(
    "value",
    [
        "Order {order_id} is {state}.",
        "{state}: {order_id}, dear {tier} customer",
        '["{order_id} {state}", {"channel": "slack", "text": "{order_id} {state}"}]',
    ],
)
def test_what_is_right_has_no_findings(value: str) -> None:
    assert check_message(value, Context(DEFAULT, frozenset({"tier"}))) == ()


def test_hsls_own_braces_in_payloads_are_no_placeholders() -> None:
    reply = {"actionable_text": "More", "type": "TEXT_ONLY", "payload": {"message": "More{task}"}}
    element = {"type": "TEXT", "text": "Hi", "data": {"quick_replies": [reply]}}
    assert check_message(json.dumps(element), Context(Message.parse("Hello"))) == ()


def test_what_a_channel_cuts_is_a_warning() -> None:
    reply = {"actionable_text": "x" * 300, "type": "TEXT_ONLY", "payload": {"message": "x"}}
    element = json.dumps({"type": "TEXT", "text": "Hi", "data": {"quick_replies": [reply]}})
    findings = check_message(element, Context(), ("facebook",))
    assert findings
    assert {(finding.severity, finding.channel, finding.code) for finding in findings} == {
        ("warning", "facebook", "length")
    }


async def test_a_text_with_errors_is_not_published(catalogue: Catalogue, redis_client: redis.asyncio.Redis) -> None:
    await catalogue.seed({"utter_state": [{"text": "Order {order_id}"}]}, slots=["tier"])
    assert (await catalogue.get("utter_state", "en")).placeholders == ("order_id", "tier")
    with pytest.raises(InvalidMessage, match="no placeholder") as caught:
        await catalogue.publish("utter_state", "en", "Order {order}", author="asha", expected=NEVER)
    assert caught.value.findings[0].code == "placeholder"
    assert await live(redis_client, "utter_state") is None
    # A translation is measured by the default of the catalogue's own locale.
    assert await catalogue.check("utter_state", "hi", "{nmae}")
    await catalogue.publish("utter_state", "hi", "{order_id}", author="asha", expected=NEVER)


@pytest.mark.parametrize(
    ("key", "locale"), [("a b", "en"), ("a:b", "en"), ("{a}", "en"), ("", "en"), ("a", "e n"), ("a", "")]
)
async def test_keys_and_locales_that_cannot_be(catalogue: Catalogue, key: str, locale: str) -> None:
    with pytest.raises(ConfigurationError):
        await catalogue.publish(key, locale, "x", author="asha", expected=NEVER)


async def test_a_change_needs_a_name(catalogue: Catalogue) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        await catalogue.publish("a", "en", "x", author="  ", expected=NEVER)


async def test_seeding_gives_defaults_and_keeps_what_was_edited(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    responses: dict[str, list[Any]] = {
        "utter_greet": [{"text": "Hello"}, {"text": "Hi", "channel": "slack"}],
        "utter_menu": [{"text": "What now?", "buttons": [{"title": "Order", "payload": "/order"}]}],
        "utter_bad": [{"txt": "x"}],
    }
    done = await catalogue.seed(responses)
    assert (done.added, done.changed, done.removed) == (2, 0, 0)
    assert [key for key, _ in done.refused] == ["utter_bad"]
    await catalogue.publish("utter_greet", "en", "Namaste", author="asha", expected=NEVER)
    responses["utter_greet"] = [{"text": "Hello again"}]
    del responses["utter_menu"]
    done = await catalogue.seed(responses)
    assert (done.added, done.changed, done.removed, done.kept_edited) == (0, 1, 1, ("utter_greet",))
    entry = await catalogue.get("utter_greet", "en")
    assert (entry.value, entry.default) == ("Namaste", "Hello again")
    assert (await catalogue.get("utter_menu", "en")).origin == "missing"
    assert await message_store(redis_client).text("utter_greet") == "Namaste"


async def test_searching(catalogue: Catalogue, redis_client: redis.asyncio.Redis) -> None:
    await redis_client.set("haptik:messages:de:utter_a", "Ihre Bestellung kommt spät")
    await catalogue.seed(
        {"utter_a": [{"text": "Your ORDER is late"}], "utter_b": [{"text": "x", "buttons": [{"title": "Late order"}]}]}
    )
    assert [row.key for row in (await catalogue.search("order late")).rows] == ["utter_a", "utter_b"]
    assert [row.key for row in (await catalogue.search("bestellung", locale="de")).rows] == ["utter_a"]
    page = await catalogue.search("utter_", locale="de", only="missing")
    assert [(row.key, row.text, row.missing) for row in page.rows] == [("utter_b", "x Late order", ("de",))]
    assert (await catalogue.search("utter_", limit=1, offset=1)).rows[0].key == "utter_b"
    assert await catalogue.locales() == ["en", "de"]
    summary = await catalogue.summary()
    assert summary["de"].edited == 1
    assert summary["de"].missing == summary["en"].total - 1
    assert (await catalogue.locales_of("utter_a"))["de"].value == "Ihre Bestellung kommt spät"


async def test_the_bots_own_messages_stand_before_those_of_the_package(catalogue: Catalogue) -> None:
    packaged = sorted(packaged_copy())
    catalogue.start()
    await catalogue.seed({"utter_b": [{"text": "b"}], "ask_a": [{"text": "a"}]})
    assert [row.key for row in (await catalogue.search(limit=200)).rows] == ["ask_a", "utter_b", *packaged]
    await catalogue.publish("utter_a", "en", "a", author="asha", expected=NEVER)
    await catalogue.publish("haptik_apology", "en", "a", author="asha", expected=NEVER)
    assert [row.key for row in (await catalogue.search(limit=200)).rows] == ["ask_a", "utter_a", "utter_b", *packaged]
    found = await catalogue.search("a", only="edited")
    assert [row.key for row in found.rows] == ["utter_a", "haptik_apology"]


async def test_a_search_finds_what_a_plain_look_through_finds(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    words = ["order", "late", "Refund", "thank you", "größe"]
    pick = random.Random(7)
    english = {f"utter_{n:04}": " ".join(pick.choices(words, k=3)) for n in range(3000)}
    german = {key: f"Bestellung {text}" for key, text in english.items() if pick.random() < 0.5}
    await redis_client.mset({f"haptik:messages:en:{key}": text for key, text in english.items()})
    await redis_client.mset({f"haptik:messages:de:{key}": text for key, text in german.items()})
    for asked in ("order", "late refund", "utter_12", "GRÖSSE late", "bestellung order", "nowhere"):
        expected = [
            key
            for key in sorted(english)
            if all(w in f"{key} {german.get(key, english[key])}".casefold() for w in asked.casefold().split())
        ]
        page = await catalogue.search(asked, locale="de", limit=5000)
        assert [row.key for row in page.rows] == expected
        missing = await catalogue.search(asked, locale="de", only="missing", limit=5000)
        assert [row.key for row in missing.rows] == [key for key in expected if key not in german]


async def test_a_regional_variety_is_not_missing_what_its_language_has(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    await redis_client.set("haptik:messages:en-IN:utter_a", "a")
    await redis_client.set("haptik:messages:en:utter_b", "b")
    assert (await catalogue.search("utter_b")).rows[0].missing == ()
    assert (await catalogue.search("utter_a")).rows[0].missing == ("en",)


async def test_a_catalogue_that_runs_follows_edits_by_others(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    catalogue.start()
    for _ in range(3000):
        if catalogue.is_tracking:
            break
        await asyncio.sleep(0.01)
    assert (await catalogue.search("by hand")).total == 0
    await redis_client.set("haptik:messages:en:utter_new", "by hand")
    for _ in range(3000):
        if (await catalogue.search("by hand")).total == 1:
            break
        await asyncio.sleep(0.01)
    assert (await catalogue.search("by hand")).total == 1
    await redis_client.delete("haptik:messages:en:utter_new")
    for _ in range(3000):
        if (await catalogue.search("by hand")).total == 0:
            break
        await asyncio.sleep(0.01)
    assert (await catalogue.search("utter_new")).total == 0
    # What it writes itself shows at once.
    await catalogue.publish("utter_own", "en", "own words", author="asha", expected=NEVER)
    assert (await catalogue.search("own words")).total == 1


STRUCTURED = '{"text":"What now?","buttons":[{"title":"Order","payload":"/order"}]}'


@pytest.mark.parametrize("format", ["csv", "yaml"])
async def test_what_is_exported_can_be_imported(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis, format: str
) -> None:
    texts = {"a": "=1+1", "b": "'quoted", "c": 'two\nlines, and "quotes"; ☎', "d": STRUCTURED, "e": "yes", "f": "'=x"}
    for key, text in texts.items():
        await redis_client.set(f"haptik:messages:en:{key}", text)
    await redis_client.set("haptik:messages:hi:a", "नमस्ते")
    exported = await catalogue.export(format)
    plan = await catalogue.plan_import(exported, format)
    assert {row.state for row in plan.rows} == {"unchanged"}
    for key in texts:
        await redis_client.delete(f"haptik:messages:en:{key}")
    plan = await catalogue.plan_import(exported, format)
    assert plan.count("added") == len(texts)
    done = await catalogue.apply_import(plan, author="asha", why="import")
    assert (done.written, done.conflicts) == (len(texts), ())
    assert {key: await live(redis_client, key) for key in texts} == texts
    assert (await catalogue.history("a", "en"))[0].action == "import"


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
        max_size=4,
    )
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("format", ["csv", "yaml"])
def test_every_text_survives_a_file(format: str, texts: dict[str, str]) -> None:
    from haptik_actions.messages._exchange import read, write
    from haptik_actions.messages._names import Place

    kept = {key: text for key, text in texts.items() if text.strip()}
    rows = read(format, write(format, [(Place("en", key), text, None) for key, text in texts.items()]))
    assert {row.key: row.value for row in rows} == kept


@pytest.mark.parametrize(
    ("data", "format", "words"),
    [
        (b"key,value\na,b\n", "csv", "locale"),
        (b"key,locale,value\nutter_a,de,\x81\xe4", "csv", "Line 2 of the file is not Windows-1252"),
        (b"en: [1]", "yaml", "locale -> key"),
        (b"en: {a: [}", "yaml", "line 1"),
        (b"x", "xlsx", "csv, yaml"),
    ],
)
async def test_files_that_cannot_be_read(catalogue: Catalogue, data: bytes, format: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        await catalogue.plan_import(data, format)


@pytest.mark.parametrize(
    "data",
    [
        "key;locale;value\r\nutter_a;de;Hallo\r\nutter_b;de;\r\n".encode("utf-16"),
        b"value\tlocale\tkey\nHallo\tde\tutter_a\n",
        b"\xef\xbb\xbfKey,Locale,Value\nutter_a,de,Hallo\n\n",
        "key,locale,value\nutter_a,de,Hallo\n".encode("utf-16-le"),
        "key,locale,value\nutter_a,de,Hallo\n".encode("utf-32"),
    ],
)
async def test_files_as_spreadsheets_write_them(catalogue: Catalogue, data: bytes) -> None:
    plan = await catalogue.plan_import(data, "csv")
    assert [(row.key, row.locale, row.new, row.state) for row in plan.rows] == [("utter_a", "de", "Hallo", "added")]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"sep=;\r\nkey;locale;value\r\nutter_a;en;Hello\r\n", "Hello"),
        (b'"key, or so";key;locale;value\nx;utter_a;en;Hello\n', "Hello"),
        (b"key,locale,value\rutter_a,en,Hello\r", "Hello"),
        (b"key,locale,value\nutter_a,en,a\0b\n", "a\0b"),
    ],
)
async def test_what_a_spreadsheet_may_write_is_read(catalogue: Catalogue, data: bytes, value: str) -> None:
    plan = await catalogue.plan_import(data, "csv")
    assert [(row.key, row.locale, row.new) for row in plan.rows] == [("utter_a", "en", value)]


async def test_a_plain_csv_of_excel_is_read_and_doubted(catalogue: Catalogue) -> None:
    plan = await catalogue.plan_import("key;locale;value\nutter_a;de;Schöne Grüße\n".encode("cp1252"), "csv")
    assert [row.new for row in plan.rows] == ["Schöne Grüße"]
    assert "Windows-1252" in plan.doubt
    assert (await catalogue.plan_import("key,locale,value\nutter_a,de,ö\n".encode(), "csv")).doubt == ""


async def test_rows_that_are_refused_say_why(catalogue: Catalogue) -> None:
    await catalogue.seed({"utter_a": [{"text": "Hello {name}"}]})
    data = b"key,locale,value\nutter_a,de,Hallo {nmae}\nutter_a,e n,x\nutter_b,de\nutter_c,de,x\nutter_c,de,y\n"
    plan = await catalogue.plan_import(data, "csv")
    assert [row.state for row in plan.rows] == ["refused", "refused", "refused", "added", "refused"]
    assert "{nmae}" in plan.rows[0].findings[0].words
    assert "twice" in plan.rows[4].findings[0].words


async def test_an_import_leaves_what_was_changed_since_the_plan(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis
) -> None:
    plan = await catalogue.plan_import(b"key,locale,value\na,en,x\nb,en,y\n", "csv")
    await redis_client.set("haptik:messages:en:a", "by hand")
    done = await catalogue.apply_import(plan, author="asha")
    assert (done.written, len(done.conflicts)) == (1, 1)
    assert await live(redis_client, "a") == "by hand"
    plan = await catalogue.plan_import(b"key,locale,value\na,en,z\n", "csv")
    await catalogue.apply_import(plan, author="asha", as_draft=True)
    draft = (await catalogue.get("a", "en")).draft
    assert draft is not None
    assert (draft.value, await live(redis_client, "a")) == ("z", "by hand")


async def test_a_redis_that_is_down_is_an_error_with_a_remedy(own_valkey: Valkey) -> None:
    own_valkey.stop()
    catalogue = Catalogue.from_url(f"redis://127.0.0.1:{free_port()}")
    calls = [
        catalogue.get("a", "en"),
        catalogue.search(),
        catalogue.publish("a", "en", "x", author="asha", expected=NEVER),
        catalogue.save_draft("a", "en", "x", author="asha", expected=""),
        catalogue.history("a", "en"),
        catalogue.export("csv"),
    ]
    for call in calls:
        with pytest.raises(MessagesUnavailable) as caught:
            await call
        assert caught.value.temporary
        assert "REDIS_URL" in caught.value.remedy
    await catalogue.aclose()
