"""Where the relay's keys stand. All of one conversation are in one slot of a cluster, with the index of due work.

    haptik:{relay-<n>}:link:<id>       hash: the members of the link, each as JSON
    haptik:{relay-<n>}:work:<id>       hash: counters, pauses, what was told once
    haptik:{relay-<n>}:order:<id>      sorted set: what waits for the user, by `message.id`
    haptik:{relay-<n>}:said:<id>       hash: the contents of that; `<member>!` for what was begun
    haptik:{relay-<n>}:words:<id>      list: what waits for the agent, oldest first
    haptik:{relay-<n>}:seen:<id>       sorted set: events and words that have come already, by when
    haptik:{relay-<n>}:inbox:<id>      list: messages for a channel that cannot push
    haptik:{relay-<n>}:ledger:<id>     list: what became of the last entries
    haptik:{relay-<n>}:lease-user:<id>, lease-agent:<id>    which process works on that queue
    haptik:{relay-<n>}:due-user, due-agent, timers          sorted sets: id -> when to look (ms)
    haptik:{relay-<n>}:chat:<business>:<n|a>:<name>         string: the id of the chat of a user_name or auth_id

    haptik:relay:present               string: a process takes the platform's events; expires
    haptik:relay:webhook               string: a webhook has worked within a week; expires

`n` is one of `SHARDS`, taken from the id (or from the name, for the last one).
"""

from __future__ import annotations

import zlib

from haptik_actions._namespace import ROOT

__all__ = ["SHARDS", "WAKE", "chat_key", "keys_of", "shard_keys"]

SHARDS = 16
WAKE = f"{ROOT}relay:wake"
"""The channel on which processes tell one another what has come: `<user|agent>:<id>:<milliseconds to wait>`, and
`:<token>` where the sender looks at it itself."""

_OF_CONVERSATION = ("link", "work", "order", "said", "words", "seen", "inbox", "ledger", "lease-user", "lease-agent")
_OF_SHARD = ("due-user", "due-agent", "timers")


def keys_of(id_: str) -> list[str]:
    """Return the keys of a conversation in the order that the scripts want, then those of its shard."""
    shard = _shard(id_)
    return [*(f"{_tag(shard)}:{kind}:{id_}" for kind in _OF_CONVERSATION), *shard_keys(shard)]


def shard_keys(shard: int) -> list[str]:
    """Return the keys of a shard: what is due for users, for agents, and timers."""
    return [f"{_tag(shard)}:{kind}" for kind in _OF_SHARD]


def chat_key(business_id: int, kind: str, name: str) -> str:
    """Return the key that leads from a user_name (`n`) or an auth_id (`a`) to the id of its conversation."""
    chat = f"{business_id}:{kind}:{name}"
    return f"{_tag(_shard(chat))}:chat:{chat}"


def _shard(name: str) -> int:
    return zlib.crc32(name.encode(errors="surrogatepass")) % SHARDS


def _tag(shard: int) -> str:
    return f"{ROOT}{{relay-{shard}}}"
