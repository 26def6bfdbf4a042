"""Uses everything that keeps something in Redis, in a process of its own: REDIS_URL and HAPTIK_NAMESPACE are its.

Prints what a user of this bot reads, and what an agent's word came through as.
"""

from __future__ import annotations

import asyncio
import os

from haptik_actions._redis import connect, disconnect
from haptik_actions.channel._turns import RedisLateWords
from haptik_actions.escalation import HandOff, RedisOutbox, SharedBreakers, Terms
from haptik_actions.faq import RedisLedger
from haptik_actions.messages import Catalogue
from haptik_actions.studio import Audit, Passwords, Throttle, Users
from tests.support.relay import bench, message, pinned


async def main(said: str) -> None:
    url = os.environ["REDIS_URL"]
    client = connect(url, seconds=20)
    catalogue = Catalogue.from_url(url)
    entry = await catalogue.get("utter_greet", "en")
    print(entry.value)
    await catalogue.publish("utter_greet", "en", said, author="asha", expected=entry.revision)
    print((await catalogue.get("utter_greet", "en")).value)
    await catalogue.aclose()
    await RedisLateWords(client).put("c", ["late"])
    await Users(client, Passwords()).add("asha", "publisher", "a long password of hers")
    await Throttle(client).knock("asha", "203.0.113.7")
    await Audit(client).note("signed in", "asha", by="asha")
    await RedisOutbox(client).open(
        HandOff(id="1", user_name="asha", business_id=343, teams=("support",)), Terms(limit=9)
    )
    await SharedBreakers(client).fail("orders", threshold=1, window=60, cooldown=60)
    await RedisLedger(client, "demo").acquire("asha")
    async with bench(url) as relay:
        link = await relay.opened()
        await relay.take(pinned(link, 1), message(link, 2, said))
        await relay.host.until_said(2)
        print(relay.host.of[link.id][-1])
    await disconnect(client)


if __name__ == "__main__":
    asyncio.run(main(os.environ["SAID"]))
