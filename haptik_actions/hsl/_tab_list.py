"""Tabs with rows to choose from and one button, known from the platform's documentation of 2018 only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._actionable import Actionable
from haptik_actions.hsl._json import checked_copy
from haptik_actions.hsl._value import (
    Envelope,
    Value,
    check_one_of,
    check_says_something,
    check_string,
    check_voice_text,
    set_once,
    several,
)

TabSelection: TypeAlias = Literal["SELECT_ONE", "SELECT_ALL"]
"""`SELECT_ONE`: a row of one tab is enough; `SELECT_ALL`: every tab needs one."""

SELECTIONS = frozenset(get_args(TabSelection))


class TabItem(Value, frozen=True, repr_omit_defaults=True):
    """One row.

    Attributes:
        title: Its first line; not blank.
        message: What is sent as the user's message once the row is chosen and the button is tapped; empty: the title.
        price: A price, as text.
        caption: Its second line.
        meta: More about it.
        emoji: The picture at its left.
    """

    title: str
    message: str = ""
    price: str = ""
    caption: str = ""
    meta: str = ""
    emoji: str = ""

    def __post_init__(self) -> None:
        check_says_something(self.title, "title", "a row without a title")
        for name in ("message", "price", "caption", "meta", "emoji"):
            check_string(getattr(self, name), name)
        self._check_extra()

    def _documented(self) -> JsonObject:
        names = ("title", "price", "caption", "message", "meta", "emoji")
        return {name: getattr(self, name) for name in names}


class Tab(Value, frozen=True, repr_omit_defaults=True):
    """One tab: a head, such as a route and a day, and its rows.

    Attributes:
        title: The head; not blank.
        tab_items: The rows, at least one. A list is kept as a tuple.
        sub_title: The second line of the head.
        unselected_text: What the head says while none of its rows is chosen.
    """

    title: str
    tab_items: Sequence[TabItem]
    sub_title: str = ""
    unselected_text: str = ""

    def __post_init__(self) -> None:
        check_says_something(self.title, "title", "a tab without a title")
        check_string(self.sub_title, "sub_title")
        check_string(self.unselected_text, "unselected_text")
        rows = several(self.tab_items, TabItem, "tab_items")
        if not rows:
            raise InvalidElement("tab_items", "a tab without rows")
        set_once(self, "tab_items", rows)
        self._check_extra()

    def _documented(self) -> JsonObject:
        return {
            "title": self.title,
            "sub_title": self.sub_title,
            "unselected_text": self.unselected_text,
            "tab_items": [row.to_hsl() for row in self.tab_items],
        }


class TabList(Envelope, frozen=True, repr_omit_defaults=True):
    """Rows to choose from, such as flights, in one tab or several, and one button that sends the choice.

    Attributes:
        text: What the bubble says; may be empty.
        tabs: The tabs, at least one. A list is kept as a tuple.
        actionable: The button, of type `TAB_LIST_TEXT_ONLY`; on the wire the only one of `data.actionables`.
        selection: Whether a row of one tab is enough.
        expiry: Seconds until the button shows its `expired_text` and sends `payload.expired_message`. None: never.
        analytics: Handed on to the platform's analytics. The mapping is copied.
        tool_name: Internal to the platform.
        category: Unused by the platform.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.tabs[0].tab_items`.
    """

    text: str
    tabs: Sequence[Tab]
    actionable: Actionable
    selection: TabSelection = "SELECT_ONE"
    expiry: int | None = None
    analytics: Mapping[str, Any] = {}
    tool_name: str = ""
    category: str = ""
    voice_text: str | None = None

    def __post_init__(self) -> None:
        for name in ("text", "tool_name", "category"):
            check_string(getattr(self, name), name if name == "text" else f"data.{name}")
        check_voice_text(self.voice_text)
        tabs = several(self.tabs, Tab, "data.tabs")
        if not tabs:
            raise InvalidElement("data.tabs", "a TAB_LIST without tabs")
        set_once(self, "tabs", tabs)
        _check_button(self.actionable)
        check_one_of(self.selection, SELECTIONS, "data.selection")
        if self.expiry is not None and (isinstance(self.expiry, bool) or not isinstance(self.expiry, int)):
            raise InvalidElement("data.expiry", f"{self.expiry!r} is no number of whole seconds")
        if not isinstance(self.analytics, Mapping):
            raise InvalidElement("data.analytics", f"an object is wanted, not {type(self.analytics).__name__}")
        set_once(self, "analytics", checked_copy(self.analytics, "data.analytics"))
        self._check_envelope()

    def _documented(self) -> JsonObject:
        data: JsonObject = {
            "selection": self.selection,
            "tabs": [tab.to_hsl() for tab in self.tabs],
            "actionables": [self.actionable.to_hsl()],
        }
        if self.expiry is not None:
            data["expiry"] = self.expiry
        if self.analytics:
            data["analytics"] = msgspec.to_builtins(self.analytics)
        for name in ("tool_name", "category"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        return self._envelope("TAB_LIST", self.text, self.voice_text, data)


def _check_button(button: object) -> None:
    path = "data.actionables[0]"
    if not isinstance(button, Actionable):
        raise InvalidElement(path, f"Actionable is wanted, not {type(button).__name__}")
    if button.type != "TAB_LIST_TEXT_ONLY":
        raise InvalidElement(f"{path}.type", f"the button of a TAB_LIST is TAB_LIST_TEXT_ONLY, not {button.type}")
