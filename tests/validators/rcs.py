"""RCS Business Messaging: `AgentContentMessage`.

Limits: developers.google.com/business-communications/rcs-business-messaging, "Rich cards", "Suggestions",
"AgentMessage".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.validators._place import Place
from tests.validators._platform import OwnConnector

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_ACTIONS = ("openUrlAction", "dialAction", "viewLocationAction", "shareLocationAction", "createCalendarEventAction")


class Rcs(OwnConnector):
    """The content of a message, alone or as `contentMessage`."""

    name = "rcs"

    def check_wire(self, payloads: Sequence[Place]) -> None:
        super().check_wire(payloads)
        for payload in payloads[:-1]:
            if "suggestions" in payload:
                payload.refuse("suggestions below a message go when another message follows")

    def payload(self, payload: Place) -> None:
        payload.has(optional=("text", "richCard", "contentInfo", "uploadedRbmFile", "suggestions")).within(250 * 1024)
        content = payload.exactly_one("text", "richCard", "contentInfo", "uploadedRbmFile")
        if "text" in payload:
            content.text(3072)
        elif "contentInfo" in payload:
            _content_info(content)
        elif "richCard" in payload:
            _rich_card(content)
        for suggestions in payload.given("suggestions"):
            _suggestions(suggestions, 11)

    def custom(self, custom: Place) -> Iterator[Place]:
        yield custom.has("contentMessage")["contentMessage"] if "contentMessage" in custom else custom


def _rich_card(card: Place) -> None:
    kind = card.exactly_one("standaloneCard", "carouselCard")
    if "standaloneCard" in card:
        kind.has("cardContent", "cardOrientation", optional=("thumbnailImageAlignment",))
        kind["cardOrientation"].one_of("VERTICAL", "HORIZONTAL")
        _content(kind["cardContent"], "SHORT", "MEDIUM", "TALL")
        return
    width = kind.has("cardWidth", "cardContents")["cardWidth"].one_of("SMALL", "MEDIUM")
    for content in kind["cardContents"].items(2, 10):
        _content(content, "SHORT", "MEDIUM", *(("TALL",) if width == "MEDIUM" else ()))


def _content(content: Place, *heights: str) -> None:
    content.has(optional=("title", "description", "media", "suggestions"))
    if not content.given("title", "description", "media"):
        content.refuse("a card of nothing")
    for text, limit in (("title", 200), ("description", 2000)):
        for place in content.given(text):
            place.text(limit)
    for media in content.given("media"):
        media.has("height", "contentInfo")["height"].one_of(*heights)
        _content_info(media["contentInfo"])
    for suggestions in content.given("suggestions"):
        _suggestions(suggestions, 4)


def _content_info(info: Place) -> None:
    info.has("fileUrl", optional=("thumbnailUrl", "forceRefresh"))["fileUrl"].url()


def _suggestions(suggestions: Place, high: int) -> None:
    for suggestion in suggestions.items(1, high):
        kind = suggestion.has(optional=("reply", "action")).exactly_one("reply", "action")
        kind["text"].text(25)
        kind["postbackData"].text(2048)
        if "reply" in suggestion:
            kind.has("text", "postbackData")
            continue
        kind.has("text", "postbackData", optional=(*_ACTIONS, "fallbackUrl")).exactly_one(*_ACTIONS)
        for action in kind.given("openUrlAction"):
            action.has("url", optional=("application", "webviewViewMode", "description"))["url"].url(limit=2048)
        for action in kind.given("dialAction"):
            if not _PHONE.fullmatch(action.has("phoneNumber")["phoneNumber"].text()):
                action.refuse("a number in E.164 is wanted")
        for action in kind.given("shareLocationAction"):
            action.has()
