"""Cards side by side, and images, which are cards with nothing but a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._actionable import Actionable
from haptik_actions.hsl._json import LARGEST, NOTHING, absolute, check_link, check_number, is_plain
from haptik_actions.hsl._value import Envelope, Value, check_one_of, check_string, check_voice_text, set_once, several

CardWidth: TypeAlias = Literal["THIN", "MEDIUM", "FAT", "BIG"]
"""The share of the screen that a card takes, from little to much."""

WIDTHS = frozenset(get_args(CardWidth))
_LINES = ("title", "sub_title", "description")
# The platform's documented way to make cards without images: a ratio this large gives the image no height.
_FLAT = 1000
_EMPTY = ""
_LISTS = (list, tuple)


class Card(Value, frozen=True, kw_only=True, repr_omit_defaults=True):
    """One card of a carousel. It shows something: a line of text, an image or a button.

    Attributes:
        title: The heaviest line.
        sub_title: The second line.
        description: The third line.
        image: Address of the picture; that of a YouTube embed plays as a video. It may lack its scheme.
        actionables: The card's buttons, of any type and uri. A list is kept as a tuple.
        mini_actionable: A pill on the lower edge of the card, mostly to share it.
        meta: A rating; the platform says that it works best with a number.
        tool_name: An attribution, as in "powered by".

    Raises:
        InvalidElement: with a path that starts at the card, such as `actionables[0]`, `thumbnail.image`.
    """

    title: str = ""
    sub_title: str = ""
    description: str = ""
    image: str = ""
    actionables: Sequence[Actionable] = ()
    mini_actionable: Actionable | None = None
    meta: str | float | None = None
    tool_name: str = ""

    def __post_init__(self) -> None:
        # As in an Actionable: one quick test passes the usual card.
        title, actionables = self.title, self.actionables
        if (
            title.__class__ is self.sub_title.__class__ is self.description.__class__ is self.image.__class__ is str
            and (
                self.mini_actionable is None
                and self.meta is None
                and self.tool_name is _EMPTY
                and self.extra is NOTHING
            )
            and (title and not title.isspace() and (not self.image or is_plain(self.image)))
            and actionables.__class__ in _LISTS
        ):
            for actionable in actionables:
                if actionable.__class__ is not Actionable:
                    break
            else:
                set_once(self, "actionables", tuple(actionables))
                return
        self._check()

    def _check(self) -> None:
        for name in (*_LINES, "tool_name"):
            check_string(getattr(self, name), name)
        if self.image != "":
            check_link(self.image, "thumbnail.image")
        set_once(self, "actionables", several(self.actionables, Actionable, "actionables"))
        if self.mini_actionable is not None and not isinstance(self.mini_actionable, Actionable):
            raise InvalidElement("mini_actionable", f"Actionable is wanted, not {type(self.mini_actionable).__name__}")
        if isinstance(self.meta, bool) or not isinstance(self.meta, (str, int, float, type(None))):
            raise InvalidElement("meta", f"a rating is a string or a number, not {type(self.meta).__name__}")
        if isinstance(self.meta, (int, float)):
            check_number(self.meta, "meta")
        if not (self.image or self.says or self.actionables or self.mini_actionable or self.meta):
            raise InvalidElement("title", "a card that shows nothing")
        self._check_extra()

    @property
    def says(self) -> bool:
        """Whether it has a line of text."""
        return bool(self.title.strip() or self.sub_title.strip() or self.description.strip())

    @property
    def is_picture(self) -> bool:
        """Whether it has an image and nothing else to show or to tap."""
        return bool(self.image) and not (
            self.title or self.sub_title or self.description or self.actionables or self.mini_actionable or self.meta
        )

    @property
    def image_url(self) -> str | None:
        """The address of the image with its scheme; None where there is no image."""
        return absolute(self.image) if self.image else None

    def to_hsl(self) -> JsonObject:
        """The documented JSON; members that are optional and empty are left out."""
        members: JsonObject = {"thumbnail": {"image": image}} if (image := self.image) else {}
        if title := self.title:
            members["title"] = title
        if sub_title := self.sub_title:
            members["sub_title"] = sub_title
        if description := self.description:
            members["description"] = description
        members["actionables"] = [actionable.to_hsl() for actionable in self.actionables]
        if self.mini_actionable is not None:
            members["mini_actionable"] = self.mini_actionable.to_hsl()
        if self.meta is not None:
            members["meta"] = self.meta
        if self.tool_name:
            members["tool_name"] = self.tool_name
        return self._finished(members) if self.extra or self.as_read else members


class _Cards(Envelope, frozen=True, repr_omit_defaults=True):
    """What a carousel and an image have in common: their JSON."""

    items: Sequence[Card]
    text: str = ""
    image_aspect_ratio: float = 1.0
    width: CardWidth = "THIN"
    voice_text: str | None = None

    def _check(self) -> None:
        cards = several(self.items, Card, "data.items")
        if not cards:
            raise InvalidElement("data.items", "a CAROUSEL without cards")
        set_once(self, "items", cards)
        if (
            (self.text.__class__ is self.width.__class__ is str and self.width in WIDTHS)
            and (self.image_aspect_ratio.__class__ is float and 0.0 < self.image_aspect_ratio <= LARGEST)
            and (self.voice_text is self.is_new is self.mic_auto_open is None and self.extra is NOTHING)
        ):
            return
        check_string(self.text, "text")
        check_voice_text(self.voice_text)
        _check_ratio(self.image_aspect_ratio)
        check_one_of(self.width, WIDTHS, "data.width")
        self._check_envelope()

    @property
    def shows_images(self) -> bool:
        """False where the ratio is 1000 or more, the platform's trick for cards without their images."""
        return self.image_aspect_ratio < _FLAT

    def _documented(self) -> JsonObject:
        data = {
            "image_aspect_ratio": self.image_aspect_ratio,
            "width": self.width,
            "items": [card.to_hsl() for card in self.items],
        }
        return self._envelope("CAROUSEL", self.text, self.voice_text, data)


class Carousel(_Cards, frozen=True, repr_omit_defaults=True):
    """Cards side by side, to be leafed through; the platform advises four or five at most.

    Attributes:
        items: The cards, at least one. A list is kept as a tuple.
        text: What a notification says; the platform shows no bubble for it. It may be empty.
        image_aspect_ratio: Width divided by height of the images, above 0; 1000 or more hides them.
        width: The share of the screen that a card takes.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.items`.
    """

    def __post_init__(self) -> None:
        self._check()
        if self.items[0].is_picture and is_image(self.items):
            raise InvalidElement("data.items", "cards with nothing but images; send an Image")


class Image(_Cards, frozen=True, repr_omit_defaults=True):
    """One image or several: on the wire a CAROUSEL whose cards have nothing but a picture.

    Build it with `Image.of("https://…")`.

    Attributes:
        items: One card for each image.
        text: What a notification says; the platform shows no bubble for it. It may be empty.
        image_aspect_ratio: Width divided by height, above 0.
        width: The share of the screen that an image takes.
        voice_text: What is spoken instead of `text` where speech output is on.

    Raises:
        InvalidElement: with a path that starts at the element, such as `data.items[1]`.
    """

    image_aspect_ratio: float = 1.77
    width: CardWidth = "FAT"

    def __post_init__(self) -> None:
        self._check()
        for index, card in enumerate(self.items):
            if not card.is_picture:
                raise InvalidElement(f"data.items[{index}]", "an Image shows pictures only; a Carousel shows cards")

    @classmethod
    def of(cls, *addresses: str, text: str = "", voice_text: str | None = None) -> Image:
        """The images at these addresses (http, https, or a bare host, which is https)."""
        cards = []
        for index, address in enumerate(addresses):
            check_link(address, f"data.items[{index}].thumbnail.image")
            cards.append(Card(image=address))
        return cls(cards, text, voice_text=voice_text)


def is_image(cards: Sequence[Card]) -> bool:
    """Whether a CAROUSEL of these cards is an Image."""
    return all(card.is_picture for card in cards)


def _check_ratio(ratio: object) -> None:
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not (0 < ratio <= LARGEST):
        raise InvalidElement("data.image_aspect_ratio", f"{ratio!r} is no number above 0")
