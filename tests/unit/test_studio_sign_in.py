"""The studio's door: signing in and out, sessions, forged forms, guessed passwords, headers."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
import redis.asyncio
from argon2 import PasswordHasher

from haptik_actions.errors import ConfigurationError
from haptik_actions.studio import Audit, Passwords, Studio, Throttle, Users
from tests.support.studio import PASSWORD, QUICK, Visitor, add_users, studio_on

SIGN_IN = "/sign-in?next=/account"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def studio(redis_client: redis.asyncio.Redis, clock: Clock) -> Studio:
    await add_users(redis_client)
    return studio_on(redis_client, clock=clock, timer=clock)


async def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(studio: Studio) -> None:
    async with Visitor(studio) as visitor:
        first = await visitor.get("/account?x=1")
        assert (first.status_code, first.headers["location"]) == (303, "/sign-in?next=/account%3Fx%3D1")
        page = await visitor.get(first.headers["location"])
        assert 'value="/account?x=1"' in page.text
        done = await visitor.submit("/sign-in", name="editor", password=PASSWORD, next="/account?x=1")
        assert (done.status_code, done.headers["location"]) == (303, "/account?x=1")
        assert "editor" in (await visitor.get("/account")).text
        assert (await visitor.get(SIGN_IN)).headers["location"] == "/account"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb"])
async def test_nobody_is_led_elsewhere(studio: Studio, target: str) -> None:
    async with Visitor(studio) as visitor:
        done = await visitor.submit("/sign-in", name="editor", password=PASSWORD, next=target)
        assert done.headers["location"] == "/"


@pytest.mark.parametrize(
    ("name", "password"), [("editor", "wrong pa55"), ("nobody", PASSWORD), ("", ""), ("editor", "")]
)
async def test_a_wrong_name_and_a_wrong_password_look_alike(studio: Studio, name: str, password: str) -> None:
    async with Visitor(studio) as visitor:
        refused = await visitor.sign_in(name, password)
        assert refused.status_code == 403
        assert "The name or the password is wrong." in refused.text
        assert (await visitor.get("/account")).status_code == 303


async def test_signing_in_takes_another_token_and_signing_out_ends_it(studio: Studio) -> None:
    async with Visitor(studio) as visitor:
        await visitor.get("/sign-in")
        before = visitor.cookies["haptik_studio"]
        await visitor.sign_in("editor")
        during = visitor.cookies["haptik_studio"]
        assert during != before
        await visitor.submit("/sign-out", page="/account")
        assert visitor.cookies["haptik_studio"] != during
    async with Visitor(studio) as thief:
        thief.cookies.set("haptik_studio", during)
        assert (await thief.get("/account")).status_code == 303


async def test_what_redis_holds_signs_nobody_in(studio: Studio, redis_client: redis.asyncio.Redis) -> None:
    async with Visitor(studio) as visitor:
        await visitor.sign_in("editor")
        token = visitor.cookies["haptik_studio"]
    keys = [key async for key in redis_client.scan_iter("haptik:studio:session:*")]
    strings = [await redis_client.get(key) for key in keys]
    assert len(keys) == 1
    users = await redis_client.hgetall("haptik:studio:users")
    everything = repr([*keys, *strings, *users.values()])
    assert token not in everything
    assert PASSWORD not in everything
    assert everything.count("$argon2id$") == 3


@pytest.mark.parametrize(("idle", "is_over"), [(7 * 3_600, False), (24 * 3_600, True)])
async def test_a_session_ends_after_a_day(studio: Studio, clock: Clock, idle: float, is_over: bool) -> None:
    async with Visitor(studio) as visitor:
        await visitor.sign_in("viewer")
        clock.now += idle
        assert ((await visitor.get("/account")).status_code == 303) is is_over


async def test_a_session_that_nobody_uses_ends_after_eight_hours(
    studio: Studio, redis_client: redis.asyncio.Redis
) -> None:
    async with Visitor(studio) as visitor:
        await visitor.sign_in("viewer")
        (session,) = [key async for key in redis_client.scan_iter("haptik:studio:session:*")]
        await redis_client.expire(session, 10)
        await visitor.get("/account")
        assert 8 * 3_600 - 10 <= await redis_client.ttl(session) <= 8 * 3_600


@pytest.mark.parametrize("change", ["passwd", "remove"])
async def test_sessions_end_with_the_password_and_with_the_user(
    studio: Studio, redis_client: redis.asyncio.Redis, change: str
) -> None:
    users = Users(redis_client, QUICK)
    async with Visitor(studio) as visitor:
        await visitor.sign_in("editor")
        await (users.remove("editor") if change == "remove" else users.set_password("editor", PASSWORD + "2"))
        assert (await visitor.get("/account")).status_code == 303


async def test_a_role_counts_from_the_next_request_of_an_open_session(
    studio: Studio, redis_client: redis.asyncio.Redis
) -> None:
    users = Users(redis_client, QUICK)
    async with Visitor(studio) as visitor:
        await visitor.sign_in("publisher")
        for role, status in [("viewer", 403), ("editor", 200), ("viewer", 403)]:
            await users.set_role("publisher", role)
            file = {"file": ("x.csv", b"key,locale,value\ngoodbye,en,Bye.\n")}
            form = {"csrf": await visitor.csrf("/transfer")}
            assert (await visitor.post("/transfer", data=form, files=file)).status_code == status
            # Nobody is signed out by it.
            assert (await visitor.get("/account")).status_code == 200


class HeldHasher(PasswordHasher):
    """Begins to hash a password, and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=8, parallelism=1)
        self.began, self.goes_on = threading.Event(), threading.Event()

    def hash(self, *arguments: Any, **options: Any) -> str:
        self.began.set()
        assert self.goes_on.wait(60)
        return super().hash(*arguments, **options)


@pytest.mark.parametrize("work", ["a new password", "a renewed hash"])
async def test_a_role_stays_changed_though_a_password_is_being_hashed(
    redis_client: redis.asyncio.Redis, work: str
) -> None:
    await add_users(redis_client)
    hasher = HeldHasher()
    users = Users(redis_client, Passwords(hasher))
    before = await users.get("publisher")
    assert before is not None
    renewing = users.refresh_hash(before, PASSWORD)
    changing = users.set_password("publisher", PASSWORD + "2")
    task: asyncio.Future[Any] = asyncio.ensure_future(changing if work == "a new password" else renewing)
    (renewing if work == "a new password" else changing).close()
    await asyncio.to_thread(hasher.began.wait)
    await users.set_role("publisher", "viewer")
    hasher.goes_on.set()
    await task
    after = await users.get("publisher")
    assert after is not None
    assert (after.role, after.password_hash != before.password_hash) == ("viewer", True)
    assert (after.epoch == before.epoch) is (work == "a renewed hash")


async def test_a_user_who_is_removed_while_signing_in_stays_removed(redis_client: redis.asyncio.Redis) -> None:
    await add_users(redis_client)
    hasher = HeldHasher()
    users = Users(redis_client, Passwords(hasher))
    user = await users.get("editor")
    assert user is not None
    task = asyncio.create_task(users.refresh_hash(user, PASSWORD))
    await asyncio.to_thread(hasher.began.wait)
    await users.remove("editor")
    hasher.goes_on.set()
    await task
    assert await users.names() == ["publisher", "viewer"]


@pytest.mark.parametrize(("name", "role", "said"), [("asha", "editor", "no user"), ("viewer", "editr", "'editor'")])
async def test_a_role_that_cannot_be_given_is_refused(
    studio: Studio, redis_client: redis.asyncio.Redis, name: str, role: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        await Users(redis_client, QUICK).set_role(name, role)


async def test_a_role_of_a_record_written_by_hand_is_changed(studio: Studio, redis_client: redis.asyncio.Redis) -> None:
    await redis_client.hset("haptik:studio:users", "asha", '{ "epoch": "1", "password_hash": "x", "role": "viewer" }')
    assert (await Users(redis_client, QUICK).set_role("asha", "editor")).role == "editor"


async def test_a_user_changes_the_password(studio: Studio) -> None:
    async with Visitor(studio) as visitor, Visitor(studio) as elsewhere:
        await visitor.sign_in("editor")
        await elsewhere.sign_in("editor")
        fresh = "another pa55 altogether"
        for old, new, again, said in [
            ("wrong pa55", fresh, fresh, "The old password is wrong."),
            (PASSWORD, fresh, fresh + "x", "The two new passwords differ."),
            (PASSWORD, "short", "short", "Take 12 to 256"),
            (PASSWORD, "editor editor", "editor editor", "little more than the user&#39;s name"),
            (PASSWORD, fresh, fresh, "The password is changed."),
        ]:
            assert said in (await visitor.submit("/account", old=old, new=new, again=again)).text
        assert (await visitor.get("/account")).status_code == 200
        assert (await elsewhere.get("/account")).status_code == 303
        assert (await elsewhere.sign_in("editor")).status_code == 403
        assert (await elsewhere.sign_in("editor", fresh)).status_code == 303


async def test_a_hash_of_old_parameters_is_renewed_when_its_user_signs_in(redis_client: redis.asyncio.Redis) -> None:
    await add_users(redis_client)
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    async with Visitor(studio_on(redis_client, passwords=stronger)) as visitor:
        assert (await visitor.sign_in("editor")).status_code == 303
        assert (await visitor.get("/account")).status_code == 200
    assert b"t=2" in (await redis_client.hget("haptik:studio:users", "editor") or b"")


@pytest.mark.parametrize(
    ("csrf", "headers", "status"),
    [
        ("right", {}, 303),
        ("right", {"Origin": "http://localhost"}, 303),
        ("right", {"Sec-Fetch-Site": "same-origin"}, 303),
        ("", {}, 403),
        ("wrong", {}, 403),
        ("wröng", {}, 403),
        ("another's", {}, 403),
        ("right", {"Origin": "http://evil.example"}, 403),
        ("right", {"Origin": "null"}, 403),
        ("right", {"Origin": "http://[localhost"}, 403),
        ("right", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("right", {"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_a_form_counts_only_from_the_studios_own_page(
    studio: Studio, csrf: str, headers: dict[str, str], status: int
) -> None:
    async with Visitor(studio) as visitor, Visitor(studio) as other:
        tokens = {"right": await visitor.csrf(), "another's": await other.csrf()}
        form = {"csrf": tokens.get(csrf, csrf), "name": "editor", "password": PASSWORD}
        assert (await visitor.post("/sign-in", data=form, headers=headers)).status_code == status


async def test_guessing_is_slowed_down_and_waiting_helps(studio: Studio, clock: Clock) -> None:
    async with Visitor(studio) as visitor, Visitor(studio, address="127.0.0.2") as elsewhere:
        for _ in range(5):
            assert (await visitor.sign_in("editor", "wrong pa55")).status_code == 403
        for name in ("editor", "EDITOR"):
            refused = await visitor.sign_in(name)
            assert refused.status_code == 429
            assert "Wait 15 minutes" in refused.text
        # A stranger does not lock the user out everywhere, nor others here.
        assert (await elsewhere.sign_in("editor")).status_code == 303
        clock.now += 14 * 60
        assert (await visitor.sign_in("editor")).status_code == 429
        clock.now += 60
        assert (await visitor.sign_in("editor")).status_code == 303


async def test_many_names_from_one_address_are_slowed_down_too(studio: Studio) -> None:
    async with Visitor(studio) as visitor:
        answers = [(await visitor.sign_in(f"name-{number}", "wrong pa55")).status_code for number in range(31)]
    assert answers == [403] * 30 + [429]


async def test_right_passwords_are_not_counted(studio: Studio) -> None:
    for _ in range(35):
        async with Visitor(studio) as visitor:
            assert (await visitor.sign_in("editor")).status_code == 303


async def test_one_name_from_many_addresses_is_slowed_down_too(studio: Studio) -> None:
    answers = []
    for number in range(51):
        async with Visitor(studio, address=f"10.0.0.{number}") as visitor:
            answers.append((await visitor.sign_in("editor", "wrong pa55")).status_code)
    assert answers == [403] * 50 + [429]


async def test_failed_sign_ins_of_one_colleague_do_not_lock_out_an_office(studio: Studio) -> None:
    async with Visitor(studio) as colleague, Visitor(studio) as other:
        for number in range(40):
            await colleague.sign_in(f"name-{number}", "wrong pa55")
        assert (await other.sign_in("publisher", "wrong pa55")).status_code == 429
        assert (await other.sign_in("publisher")).status_code == 303


async def test_an_address_that_does_nothing_but_guess_is_shut_out(studio: Studio) -> None:
    async with Visitor(studio) as guesser, Visitor(studio, address="127.0.0.2") as elsewhere:
        csrf = await guesser.csrf()
        for number in range(300):
            form = {"csrf": csrf, "name": f"name-{number}", "password": "wrong pa55"}
            await guesser.post("/sign-in", data=form)
        assert (await guesser.sign_in("editor")).status_code == 429
        assert (await elsewhere.sign_in("editor")).status_code == 303


async def test_the_throttle_holds_across_processes_and_unlocking_lifts_it(
    redis_client: redis.asyncio.Redis, clock: Clock
) -> None:
    await add_users(redis_client)
    first, second = (studio_on(redis_client, clock=clock, timer=clock) for _ in range(2))
    async with Visitor(first) as here, Visitor(second) as there:
        for _ in range(5):
            await here.sign_in("editor", "wrong pa55")
        assert (await there.sign_in("editor")).status_code == 429
        assert await Throttle(redis_client).unlock("Editor") is True
        assert (await there.sign_in("editor")).status_code == 303
        assert await Throttle(redis_client).unlock("editor") is False


async def test_what_is_counted_ends_by_itself_and_holds_no_name(
    studio: Studio, redis_client: redis.asyncio.Redis
) -> None:
    async with Visitor(studio) as visitor:
        await visitor.sign_in("my password by mistake", "wrong pa55")
    keys = [key async for key in redis_client.scan_iter("haptik:studio:{tries}:*")]
    assert len(keys) == 3
    assert all([0 < await redis_client.ttl(key) <= 15 * 60 for key in keys])
    assert b"mistake" not in b"".join(keys)


async def test_sign_ins_stand_in_a_log_of_their_own_without_secrets(
    studio: Studio, redis_client: redis.asyncio.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "haptik_actions.studio.audit")
    async with Visitor(studio, address="10.0.0.7") as visitor:
        await visitor.sign_in("editor", "wrong pa55")
        await visitor.sign_in("pa55 in the wrong field\n", "wrong pa55")
        await visitor.sign_in("editor")
        await visitor.submit("/account", old=PASSWORD, new=PASSWORD + "2", again=PASSWORD + "2")
        await visitor.submit("/sign-out", page="/account")
        for _ in range(6):
            await visitor.sign_in("editor", "wrong pa55")
    noted = [(entry.event, entry.name, entry.by) for entry in await Audit(redis_client).entries()]
    assert noted[::-1] == [
        ("sign-in failed", "editor", ""),
        ("sign-in failed", "", ""),
        ("signed in", "editor", "editor"),
        ("password changed", "editor", "editor"),
        ("signed out", "editor", "editor"),
        *[("sign-in failed", "editor", "")] * 5,
        ("sign-in refused", "editor", ""),
    ]
    assert {entry.address for entry in await Audit(redis_client).entries()} == {"10.0.0.7"}
    stored = repr(await redis_client.lrange("haptik:studio:audit", 0, -1))
    for text in (stored, caplog.text):
        assert "pa55" not in text
    assert "signed in: user editor, by editor, from 10.0.0.7, editor." in caplog.text


@pytest.mark.parametrize("gone", ["haptik:studio:users", "everything"])
async def test_a_studio_whose_users_are_lost_is_closed(redis_client: redis.asyncio.Redis, gone: str) -> None:
    await add_users(redis_client)
    running = studio_on(redis_client)
    async with Visitor(running) as visitor:
        assert (await visitor.get("/account")).status_code == 303
        await (redis_client.delete(gone) if gone != "everything" else redis_client.flushdb())
        assert (await visitor.get("/account")).status_code == 303
    if gone != "everything":
        async with Visitor(studio_on(redis_client)) as visitor:
            assert (await visitor.get("/account")).status_code == 303


async def test_users_that_were_removed_one_by_one_leave_it_open(redis_client: redis.asyncio.Redis) -> None:
    await add_users(redis_client)
    for role in ("viewer", "editor", "publisher"):
        await Users(redis_client, QUICK).remove(role)
    async with Visitor(studio_on(redis_client)) as visitor:
        assert (await visitor.get("/account")).status_code == 200


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"]
)
async def test_an_open_studio_behind_a_proxy_that_it_does_not_know_refuses(
    redis_client: redis.asyncio.Redis, header: str
) -> None:
    async with Visitor(studio_on(redis_client)) as visitor:
        refused = await visitor.get("/account", headers={header: "x"})
        assert refused.status_code == 403
        assert "start it with --proxy" in refused.text
        assert "studio user add" in refused.text
        assert (await visitor.post("/message", data={"do": "publish"}, headers={header: "x"})).status_code == 403
    await add_users(redis_client)
    async with Visitor(studio_on(redis_client)) as visitor:
        await visitor.sign_in("editor")
        assert (await visitor.get("/account", headers={header: "x"})).status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/static/studio.css", "/nowhere", "/account"])
async def test_every_answer_has_the_headers(studio: Studio, path: str) -> None:
    async with Visitor(studio) as visitor:
        headers = (await visitor.get(path)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(
    studio: Studio, scheme: str, is_secure: bool
) -> None:
    async with Visitor(studio, base_url=f"{scheme}://localhost") as visitor:
        cookie = (await visitor.get("/sign-in")).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert ("Secure" in cookie, cookie.startswith("__Host-")) == (is_secure, is_secure)
        assert (await visitor.sign_in("editor")).status_code == 303
        assert (await visitor.get("/account")).status_code == 200


async def test_without_users_it_is_open_at_this_machines_names_alone(redis_client: redis.asyncio.Redis) -> None:
    studio = studio_on(redis_client)
    for host, status in [("localhost", 200), ("127.0.0.1:8090", 200), ("[::1]", 200), ("rebound.example", 403)]:
        async with Visitor(studio, base_url=f"http://{host}") as visitor:
            assert (await visitor.get("/account")).status_code == status
    await add_users(redis_client)
    async with Visitor(studio) as visitor:
        assert (await visitor.get("/account")).status_code == 303


async def test_what_must_be_signed_in_to_stays_shut_when_the_users_are_gone(redis_client: redis.asyncio.Redis) -> None:
    async with Visitor(studio_on(redis_client, must_sign_in=True)) as visitor:
        assert (await visitor.get("/account")).status_code == 303


async def test_a_user_written_by_hand_and_unreadable_opens_nothing(redis_client: redis.asyncio.Redis) -> None:
    await redis_client.hset("haptik:studio:users", "asha", "publisher")
    async with Visitor(studio_on(redis_client)) as visitor:
        assert (await visitor.get("/account")).status_code == 303
        assert (await visitor.sign_in("asha", "publisher")).status_code == 403


async def test_a_store_that_is_down_is_said(studio: Studio, unused_port: int) -> None:
    down = studio_on(redis.asyncio.Redis(port=unused_port))
    async with Visitor(down) as visitor:
        answer = await visitor.get("/account")
    assert answer.status_code == 503
    assert "The message store does not answer." in answer.text


async def test_a_body_has_a_bound(studio: Studio) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with Visitor(studio) as visitor:
        answer = await visitor.post("/sign-in", content=b"x" * 32_000_001, headers=headers)
    assert answer.status_code == 413
    assert "too large" in answer.text


async def test_a_hostile_name_is_text(studio: Studio) -> None:
    async with Visitor(studio) as visitor:
        answer = await visitor.sign_in('"><script>alert(1)</script>', "wrong pa55")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


@pytest.mark.parametrize(
    ("name", "role", "password", "said"),
    [
        ("two words", "viewer", PASSWORD, "cannot be a user's name"),
        ("", "viewer", PASSWORD, "cannot be a user's name"),
        ("asha", "admin", PASSWORD, "is no role"),
        ("asha", "viewer", "pa55", "Take 12 to 256"),
        ("asha", "viewer", "pa55pa55pa55pa55", "repeats"),
        ("editor", "viewer", PASSWORD, "already"),
    ],
)
async def test_users_that_cannot_be_are_refused(
    studio: Studio, redis_client: redis.asyncio.Redis, name: str, role: str, password: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        await Users(redis_client, QUICK).add(name, role, password)
    assert password not in str(refused.value)


async def test_a_form_that_is_none_is_refused(studio: Studio) -> None:
    async with Visitor(studio) as visitor:
        answer = await visitor.post("/sign-in", content=b"%", headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 400
