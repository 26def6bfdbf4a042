"""What the relay asks of the process that it lives in: to reach users, and to tell Rasa."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from haptik_actions.relay._link import Link
from haptik_actions.relay._values import Ending, FromUser, Saying

__all__ = ["Host", "Reach", "UserAway"]

Reach: TypeAlias = Literal["push", "pull", "away"]


class UserAway(Exception):
    """Raised by a host: the user cannot be reached from here now. Nothing was said; it is said when they are back."""


class Host(Protocol):
    """The process that has the users: Rasa's, the demo's, or a test.

    Any exception of these methods means that the entry stays at the head of its queue and is tried again after a
    pause, with `again` set: it may have been said. `UserAway` means that it was not, and waits for the user. The relay
    calls them for one conversation one after the other, in its own tasks, never inside a call of the host's.
    """

    def reach(self, link: Link) -> Reach:
        """Tell how the user can be reached; no I/O. Asked before anything is taken out of a queue.

        `push`: this process can say something to the user now. `pull`: the channel cannot push (REST). `away`: not from
        this process, not now (the user's socket is at another process, or nowhere).
        """

    async def say(self, link: Link, saying: Saying) -> None:
        """Say it on the user's channel, and write it into the tracker.

        Where the reach is `pull`, write it into the tracker only: the relay puts it into the inbox afterwards. So it is
        for links of the channel `haptik`, where Haptik itself has brought it to the user.
        """

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        """An agent has the chat: pause the conversation where it is not paused, note it in the receipt, and say it."""

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        """The bot has the conversation again: resume it, do what `link.after_agent` says, end the episode, and say it.

        `link.state` is still that of before; it becomes `ended` when this has returned.
        """

    async def hear(self, link: Link, words: FromUser) -> None:
        """Give the bot what the user wrote after the chat had ended: no agent reads it. Called after `ended`."""
