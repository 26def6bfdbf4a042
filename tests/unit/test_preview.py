"""The preview: what is sent is what is drawn, on every channel, and nothing of it is live."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import (
    Actionable,
    Button,
    Card,
    Carousel,
    Element,
    Form,
    FormField,
    Image,
    NativeAction,
    Receipt,
    ReceiptItem,
    Silent,
    Text,
    Unknown,
    parse,
)
from haptik_actions.preview import PREVIEWED, STYLESHEET, preview_channel, preview_page
from haptik_actions.preview._marks import marker
from haptik_actions.render import CHANNELS, render
from tests.support.elements import samples

TAGS = {"b", "dd", "details", "div", "dl", "dt", "i", "li", "pre", "s", "span", "summary", "u", "ul"}
ATTRIBUTES = {"aria-label", "class", "role", "tabindex", "title"}


class Page(HTMLParser):
    """The text of a page, its tags and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.classes: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("input", "meta"):
            self.open.append(tag)
        self.attributes.update(name for name, _ in attrs)
        self.classes += next((value or "" for name, value in attrs if name == "class"), "").split()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def bare(text: str) -> str:
    """Letters and digits: what remains the same whatever a channel does with marks and space."""
    return re.sub(r"[\W_]+", "", text)


ELEMENTS = samples(120)


@pytest.mark.parametrize("channel", CHANNELS)
def test_any_element_is_drawn_and_nothing_of_it_is_live(channel: str) -> None:
    for element in ELEMENTS:
        page = Page(preview_channel(element, channel))

        assert page.open == []
        assert page.tags <= TAGS
        assert page.attributes <= ATTRIBUTES


@pytest.mark.parametrize("channel", [name for name in PREVIEWED if CHANNELS[name].answers != "speech"])
def test_what_can_be_answered_is_shown(channel: str) -> None:
    for element in ELEMENTS:
        if isinstance(element, (Unknown, Silent)):
            continue
        shown = bare(Page(preview_channel(element, channel)).text)
        for offer in render(element, channel).replies:
            assert bare(offer.shown) in shown, (element, offer)


@pytest.mark.parametrize("channel", PREVIEWED)
def test_every_payload_is_understood(channel: str) -> None:
    for element in ELEMENTS:
        if not isinstance(element, (Unknown, Silent, NativeAction)):
            assert "hp-unseen" not in Page(preview_channel(element, channel)).classes, element


CARDS = Carousel(
    [
        Card(
            title="Kurta", sub_title="Cotton", image="https://example.org/a.png", actionables=[Actionable.reply("Buy")]
        ),
        Card(title="Shirt", image="https://example.org/b.png", actionables=[Actionable.link("See", "example.org/b")]),
    ]
)
BOOK = Form("Book", [FormField("City", "picker", options=["Delhi"]), FormField("Day", "date")])
SITE = Button("Where to?", [Actionable.reply("Track"), Actionable.link("Website", "https://example.org/site")])


@pytest.mark.parametrize("channel", [name for name in PREVIEWED if CHANNELS[name].answers != "speech"])
@pytest.mark.parametrize(
    ("element", "words"),
    [
        (CARDS, ["Kurta", "Cotton", "Buy", "Shirt", "https://example.org/a.png", "https://example.org/b"]),
        (SITE, ["Where to?", "Track", "Website", "https://example.org/site"]),
        (Image.of("https://example.org/map.png"), ["https://example.org/map.png"]),
        (BOOK, ["Book", "City", "Day"]),
    ],
)
def test_the_words_of_an_element_are_there(channel: str, element: Element, words: list[str]) -> None:
    shown = Page(preview_channel(element, channel)).text
    for word in words:
        assert word in shown, channel


@pytest.mark.parametrize(
    ("channel", "shape"),
    [
        ("facebook", "hp-chips"),
        ("telegram", "hp-keyboard"),
        ("slack", "hp-keyboard"),
        ("viber", "hp-keyboard"),
        ("whatsapp", "hp-menu"),
        ("rest", "hp-chips"),
        ("botframework", "hp-buttons"),
        ("text", "hp-bubble"),
    ],
)
def test_quick_replies_look_as_they_do_there(channel: str, shape: str) -> None:
    replies = Text("Pick", [Actionable.reply(f"Option {number}") for number in range(5)])
    assert shape in Page(preview_channel(replies, channel)).classes


HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(1)> </style> {{ 7*7 }} &lt;b&gt;'


@pytest.mark.parametrize("channel", CHANNELS)
def test_words_of_others_stay_words(channel: str) -> None:
    element = Button(HOSTILE, [Actionable.reply(HOSTILE), Actionable.link(HOSTILE, 'https://example.org/"><script>')])
    page = Page(preview_channel(element, channel))

    assert page.tags <= TAGS
    assert page.attributes <= ATTRIBUTES
    assert "alert(1)" in page.text
    assert "49" not in page.text


def test_the_page_loads_and_runs_nothing() -> None:
    page = preview_page([SITE, CARDS, "Plain *words*", {"type": "OTHER", "text": HOSTILE}], title=HOSTILE)

    assert "default-src 'none'" in page
    assert re.findall(r"<script|<img|<link|<iframe|url\(|@import", page) == []
    own = {"charset", "content", "href", "http-equiv", "id", "lang", "name", "type"}
    assert Page(page).attributes <= {*ATTRIBUTES, *own}
    assert {address[0] for address in re.findall(r'href="(.*?)"', page)} == {"#"}
    titles = [CHANNELS[name].title for name in PREVIEWED]
    assert re.findall(r"<h3>(.*?)</h3>", page) == titles * 4
    assert page.count("<style>") == page.count("</style>") == 1


def test_a_page_of_chosen_channels_shows_them_in_their_order() -> None:
    page = preview_page("Hi", ["whatsapp", "haptik"])
    assert re.findall(r"<h3>(.*?)</h3>", page) == ["WhatsApp (Cloud API)", "Haptik"]


def test_losses_are_told_first_and_each_thing_once() -> None:
    page = preview_channel(CARDS, "twilio_voice")
    notes = re.findall(r"<li(.*?)>(.*?)</li>", page, re.DOTALL)

    assert "hp-loss" in notes[0][0]
    assert any("2×" in words for _, words in notes)


def test_content_may_be_json_text_or_several() -> None:
    as_json = {"text": "Hi", "type": "TEXT", "data": {"quick_replies": []}}

    assert (
        preview_channel("Hi", "facebook")
        == preview_channel(as_json, "facebook")
        == preview_channel(parse("Hi"), "facebook")
    )
    both = Page(preview_channel(["Hi", as_json, "there"], "facebook"))
    assert both.classes.count("hp-bubble") == 3


@pytest.mark.parametrize("content", ["", {"type": "BUTTON", "text": "a"}, [{"text": "a"}]])
def test_what_is_no_element_is_refused(content: object) -> None:
    with pytest.raises(InvalidElement):
        preview_channel(content, "facebook")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dialect", "text", "html"),
    [
        ("hsl", "*b* _i_ ~s~ `u`", "<b>b</b> <i>i</i> <s>s</s> <u>u</u>"),
        ("hsl", "snake_case 2*3*4 *a", "snake_case 2*3*4 *a"),
        ("none", "*b* <b>", "*b* &lt;b&gt;"),
        ("whatsapp", "*b* `u`", "<b>b</b> `u`"),
        ("markdown", r"**b** \*c\* ~~s~~ \<i>", "<b>b</b> *c* <s>s</s> &lt;i&gt;"),
        ("slack", "*b* &lt;i&gt; <tel:+91|Call &amp; us>", "<b>b</b> &lt;i&gt; <u>Call &amp; us</u>"),
        ("html", "<b>b</b> <i>i</i><br>&lt;s&gt; <a>", "<b>b</b> <i>i</i>\n&lt;s&gt; &lt;a&gt;"),
        ("html", "<b>b <i>c</b></i>", "b c"),
        ("html", "</b>b<b>", "b"),
        ("nonsense", "*b*", "*b*"),
    ],
)
def test_marks_of_the_channels_are_drawn(dialect: str, text: str, html: str) -> None:
    assert str(marker(dialect)(text)) == html


def test_every_rule_of_the_style_sheet_is_below_its_own_class() -> None:
    sheet = re.sub(r"/\*.*?\*/", "", STYLESHEET.read_text(encoding="utf-8"), flags=re.DOTALL)
    selectors = [part for rule in re.findall(r"([^{}]+)\{", sheet) for part in rule.split(",") if part.strip()]

    assert len(selectors) > 50
    for selector in selectors:
        assert selector.strip().startswith((".hsl-preview", "@media")), selector


def test_a_missing_jinja_is_named() -> None:
    code = """
import sys
sys.modules["jinja2"] = None
from haptik_actions.errors import ConfigurationError
try:
    import haptik_actions.preview
except ConfigurationError as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'pip install "haptik-actions[sandbox]"' in out


@pytest.mark.parametrize("channel", ["haptik", "slack", "line", "hangouts"])
def test_a_receipt_is_drawn_in_its_order_and_a_sum_only_where_there_is_one(channel: str) -> None:
    rows = [ReceiptItem(title="Fare", body="₹240"), ReceiptItem(title="Toll", body="₹60")]
    page = Page(preview_channel(Receipt("Ride", rows, amount="₹300", offer_text="Thanks"), channel))
    places = [page.text.index(word) for word in ("Ride", "Fare", "₹240", "Toll", "₹60", "₹300", "Thanks")]

    assert places == sorted(places)
    assert "hp-total" not in Page(preview_channel(Receipt("Ride", rows), channel)).classes
