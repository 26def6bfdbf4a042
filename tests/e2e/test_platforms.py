"""An agent talks with users on each channel of Rasa: the platform gets what is meant for the user, natively, in order.

The platforms are played by a server on this machine; Rasa's channels and the platforms' own libraries are real.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .platform_users import (
    BotFrameworkUser,
    CallingUser,
    FacebookUser,
    HangoutsUser,
    MattermostUser,
    PlatformUser,
    RocketChatUser,
    SlackUser,
    TelegramUser,
    TwilioUser,
    WebexUser,
)
from .platforms import Platforms
from .relay_chats import ENDED, GREETING, HERE, QUESTION, goes_on, hand_over, is_said
from .relay_stack import Relayed
from .relay_users import until

Make = Callable[[str, Platforms], PlatformUser]

PUSHING: dict[str, tuple[Make, str, bool]] = {
    "slack": (lambda rasa, where: SlackUser(rasa=rasa, platforms=where), "Which size?", True),
    "slack, in a thread": (
        lambda rasa, where: SlackUser(rasa=rasa, platforms=where, thread="1700000000.000100"),
        "Which size?",
        True,
    ),
    "telegram": (lambda rasa, where: TelegramUser(rasa=rasa, platforms=where), "Which size?", True),
    "botframework": (lambda rasa, where: BotFrameworkUser(rasa=rasa, platforms=where), "Which size?", True),
    "mattermost": (lambda rasa, where: MattermostUser(rasa=rasa, platforms=where), "Which size?", True),
    "facebook": (lambda rasa, where: FacebookUser(rasa=rasa, platforms=where), "Which size?", True),
    "rocketchat": (lambda rasa, where: RocketChatUser(rasa=rasa, platforms=where), "Which size?", True),
    "twilio": (lambda rasa, where: TwilioUser(rasa=rasa, platforms=where), "Which size?\n1. Small", False),
    "webexteams": (lambda rasa, where: WebexUser(rasa=rasa, platforms=where), "Which size?\n1. Small", False),
}
"""Channels that can say something by themselves: a user, and the question as they read it, with buttons or without."""


@pytest.mark.parametrize("channel", PUSHING)
async def test_an_agent_talks_with_a_user_of_the_platform(relayed: Relayed, channel: str) -> None:
    make, question, has_buttons = PUSHING[channel]
    user, desk = make(relayed.rasa, relayed.platforms), relayed.desk
    name = await hand_over(relayed, user)
    await user.say("are you there?")
    assert (await relayed.has_read(user, 2))[1] == "are you there?"

    await desk.claim(name)
    await user.reads(HERE)
    await desk.write(name, "Good morning")
    await desk.write(name, QUESTION)
    await user.reads("Good morning", question)
    asked = user.inbox[user.read - 1]
    assert asked["buttons"] == ([("Small", "I take the small one")] if has_buttons else [])
    await user.tap(asked)
    await user.say("and a red one")
    assert (await relayed.has_read(user, 4))[2:] == ["Small", "and a red one"]

    await desk.complete(name)
    await user.reads(ENDED)
    await goes_on(user)
    user.reads_no_more()
    assert len(await relayed.has_read(user, 4)) == 4


@pytest.mark.parametrize(
    ("make", "question"),
    [(HangoutsUser, "Which size?"), (CallingUser, "Which size?\nYou can say: Small.")],
    ids=["hangouts", "twilio_voice"],
)
async def test_a_platform_that_only_takes_answers(
    relayed: Relayed, make: Callable[..., PlatformUser], question: str
) -> None:
    user, desk = make(rasa=relayed.rasa, platforms=relayed.platforms), relayed.desk
    name = await hand_over(relayed, user)
    await desk.claim(name)
    await desk.write(name, "Good morning")
    await desk.write(name, QUESTION)
    await is_said(user, ("agent", "Good morning"))
    await until("the question is asked", lambda: _has_asked(user))
    user.reads_no_more()
    await user.say("are you there?")
    answer = await user.next()
    places = [answer["text"].index(words) for words in (HERE, "Good morning", question)]
    assert places == sorted(places)
    await user.tap(answer)
    assert (await relayed.has_read(user, 3))[1:] == ["are you there?", "Small"]

    await desk.complete(name)
    await is_said(user, ("bot", ENDED))
    await user.say("hello")
    answer = await user.next()
    assert answer["text"].index(ENDED) < answer["text"].index(GREETING)
    await goes_on(user)


async def _has_asked(user: PlatformUser) -> bool:
    return len([author for author, _ in await user.said() if author == "agent"]) == 2


async def test_agents_words_reach_users_who_have_not_written_since_a_restart(relayed: Relayed) -> None:
    """Where a user is on their platform outlives the process that they wrote to."""
    users = [make(relayed.rasa, relayed.platforms) for make, _, _ in PUSHING.values()]
    names = [await hand_over(relayed, user) for user in users]
    relayed.kill_rasas()
    relayed.start_rasas()
    for user, name in zip(users, names, strict=True):
        await relayed.desk.claim(name)
        await relayed.desk.write(name, "Good morning")
        await user.reads(HERE, "Good morning")
        await user.say("thank you")
        assert (await relayed.has_read(user, 2))[1] == "thank you"
    for user, name in zip(users, names, strict=True):
        await relayed.desk.complete(name)
        await user.reads(ENDED)
        await goes_on(user)
        user.reads_no_more()
