"""What the studio refuses in words: nested, long and exploding input; and keys that cannot be a message's."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest
import redis.asyncio

from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import Catalogue
from tests.support.studio import Visitor, studio_on

DEEP = "[" * 1_000 + "]" * 1_000
OBJECTS = '{"a":' * 1_000 + "1" + "}" * 1_000


@pytest.mark.parametrize("deep", [DEEP, OBJECTS, f'{{"text":{DEEP}}}', f'{{"custom":{OBJECTS}}}', f"[{DEEP}]"])
@pytest.mark.parametrize("field", ["v0.json", "v0.origin", "rest", "value", "v0.b0.origin", "v0.c0.origin", "v0.text"])
async def test_json_that_is_nested_without_end_is_no_failure(
    redis_client: redis.asyncio.Redis, field: str, deep: str
) -> None:
    async with Visitor(studio_on(redis_client)) as visitor:
        form = {**await visitor.opened("utter_greet"), "v0.buttons": "1", "v0.conditions": "1", field: deep}
        for path in ("/message", "/message/form"):
            for do in ("save", "publish"):
                answer = await visitor.post(path, data={**form, "do": do})
                assert answer.status_code in (200, 303, 400, 409, 422), answer.text[:2_000]
        assert (await visitor.get("/message?key=utter_greet&locale=en")).status_code == 200
        assert (await visitor.get("/")).status_code == 200


async def test_a_key_that_is_mistyped_is_listed_and_breaks_no_page(redis_client: redis.asyncio.Redis) -> None:
    await redis_client.set("haptik:messages:en:utter_greet", "Hello")
    strays = ["haptik:messages:greet:en", "haptik:messages:utter_bye", "haptik:messages:utter_greet:en"]
    for name in strays:
        await redis_client.set(name, "Hello")
    await redis_client.lpush("haptik:messages:en_IN:utter_greet", "no text")
    async with Visitor(studio_on(redis_client)) as visitor:
        listed = await visitor.get("/")
        assert "4 keys in Redis are no message" in listed.text
        for name in (*strays, "haptik:messages:en_IN:utter_greet"):
            assert f"<code>{name}</code>" in listed.text
        for page in ("/message?key=utter_greet&locale=en", "/languages", "/transfer", "/?q=hello"):
            answer = await visitor.get(page)
            assert answer.status_code == 200, answer.text
            assert 'value="utter_greet"' not in (answer.text if page != "/message?key=utter_greet&locale=en" else "")
        assert (await visitor.edit("utter_greet", do="publish", text="Hi")).status_code == 303


async def test_a_mistyped_key_is_listed_no_more_once_it_is_gone(redis_client: redis.asyncio.Redis) -> None:
    catalogue = Catalogue(redis_client)
    await redis_client.set("haptik:messages:utter_greet:en", "Hello")
    assert await catalogue.strays() == ["haptik:messages:utter_greet:en"]
    assert await catalogue.locales() == ["en"]
    catalogue.start()
    await redis_client.set("haptik:messages:utter_bye:en", "Bye")
    assert await until(catalogue, 2) == ["haptik:messages:utter_bye:en", "haptik:messages:utter_greet:en"]
    await redis_client.delete("haptik:messages:utter_greet:en")
    assert await until(catalogue, 1) == ["haptik:messages:utter_bye:en"]
    await catalogue.aclose()


async def until(catalogue: Catalogue, count: int) -> list[str]:
    """Wait until Redis has told of so many."""
    for _ in range(3_000):
        found = await catalogue.strays()
        if len(found) == count:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"never {count}: {found}")


@pytest.mark.parametrize("first", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "'x"])
async def test_no_cell_of_an_export_is_run_as_a_formula(redis_client: redis.asyncio.Redis, first: str) -> None:
    await redis_client.set("haptik:messages:en:utter_greet", first)
    await redis_client.set(f"haptik:messages:en:{first}", "Hello")
    data = await Catalogue(redis_client).export("csv", "en")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    cells = [cell for row in rows if "utter_greet" in row or "Hello" in row for cell in row if first in cell]
    assert cells == [f"'{first}"] * 2
    plan = await Catalogue(redis_client).plan_import(data, "csv")
    assert {row.key: row.state for row in plan.rows}["utter_greet"] == "unchanged"


@pytest.mark.parametrize(
    ("format", "data", "said"),
    [
        ("csv", b"x" * 32_000_001, "more than 32 MB"),
        ("yaml", b"x" * 8_000_001, "more than 8 MB"),
        ("csv", b"key,locale,value\n" + b"a,en,b\n" * 200_001, "At most 200,000 are imported at once"),
        ("yaml", b"[" * 5_000, "nested more than 100 deep"),
        ("yaml", b"en: &a {x: *a}", "an alias refers to what it stands in"),
        ("yaml", b"en:\n  a: &a [" + b"x," * 1_000 + b"]\n  b: &b [" + b"*a," * 1_000 + b"]", "stand for more than"),
        ("yaml", b"en:\n  utter_greet: a\n  utter_greet: b\n", "a key stands twice, in line 2 and here (utter_greet)"),
        ("yaml", b"a: &a {x: y}\nen:\n  <<: *a\n  <<: *a\n", "a key stands twice, in line 3 and here (<<)"),
    ],
)
async def test_a_file_beyond_the_bounds_is_refused_in_words(
    redis_client: redis.asyncio.Redis, format: str, data: bytes, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await Catalogue(redis_client).plan_import(data, format)
    assert said in str(refused.value)


async def test_a_message_has_a_length_and_a_longer_one_no_preview(redis_client: redis.asyncio.Redis) -> None:
    long = "*a " * 66_000
    async with Visitor(studio_on(redis_client)) as visitor:
        form = {**await visitor.opened("utter_greet"), "v0.text": long}
        seen = await visitor.post("/message/form", data=form)
        assert "a message has at most 100,000" in seen.text
        assert "<figcaption>" not in seen.text
        refused = await visitor.post("/message", data={**form, "do": "publish"})
        assert refused.status_code != 303
        assert await redis_client.get("haptik:messages:en:utter_greet") is None
