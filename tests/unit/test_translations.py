"""The package's own sentences in other languages: complete, understood by forms, and only where they were asked for."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import httpx
import pytest
import redis.asyncio
from rasa_sdk.executor import ActionExecutor

from haptik_actions.actions import Runtime, configure
from haptik_actions.answers import AnswerWords, fold, resolve
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.forms import Doubt, FormSpec, Invalid, Situation, Valid, read_answer, read_words
from haptik_actions.hsl import Actionable, Button, Text
from haptik_actions.messages import (
    Catalogue,
    Context,
    Message,
    MessageStore,
    Template,
    check_message,
    packaged_copy,
    packaged_translations,
)
from haptik_actions.render import CHANNELS, Copy, render
from tests.support.form_chat import FormChat
from tests.support.patience import message_store
from tests.support.rasa import action_call
from tests.unit.forms_bot import NOW, VisitForm, field, form_of
from tests.unit.test_actions import Failing

ENGLISH = packaged_copy()
TRANSLATIONS = packaged_translations()
LOCALES = ["de", "hi"]
WORDS = [key for key in ENGLISH if key.startswith(("haptik_form_word_", "haptik_answer_"))]
SENTENCES = [key for key in ENGLISH if key not in WORDS]
# What a person says and nothing else. The others stand before, between or behind something.
WHOLE = ["all", "back", "cancel", "confirm", "done", "edit", "more", "none", "restart", "skip", "today", "tomorrow"]

each_locale = pytest.mark.parametrize("locale", LOCALES)


def words_of(locale: str, name: str) -> list[str]:
    return [fold(word) for word in re.split("[,;]", TRANSLATIONS[locale][name])]


# The files


def test_there_is_german_and_hindi() -> None:
    assert sorted(TRANSLATIONS) == LOCALES


@each_locale
def test_a_translation_has_the_keys_of_the_english_copy_in_their_order(locale: str) -> None:
    assert list(TRANSLATIONS[locale]) == list(ENGLISH)


@each_locale
@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_has_the_placeholders_of_the_english_one_and_passes_the_editors_check(locale: str, key: str) -> None:
    text = TRANSLATIONS[locale][key]
    assert Template.parse(text).names == Template.parse(ENGLISH[key]).names
    context = Context(Message.parse(ENGLISH[key]), frozenset())
    assert check_message(text, context, list(CHANNELS)) == ()
    assert text == text.strip()


@each_locale
@pytest.mark.parametrize("key", [key for key in SENTENCES if "{" not in ENGLISH[key]])
def test_no_sentence_is_left_in_english(locale: str, key: str) -> None:
    assert TRANSLATIONS[locale][key] != ENGLISH[key]


@pytest.mark.parametrize(
    ("locale", "count", "said"),
    [
        ("de", 0, "Ich habe 0 Fragen."),
        ("de", 1, "Ich habe 1 Frage."),
        ("de", 1200, "Ich habe 1.200 Fragen."),
        ("hi", 0, "आपसे 0 सवाल पूछना है।"),
        ("hi", 1, "आपसे 1 सवाल पूछना है।"),
        ("hi", 2, "आपसे 2 सवाल पूछने हैं।"),
        ("hi", 123456, "आपसे 1,23,456 सवाल पूछने हैं।"),
    ],
)
async def test_plurals_follow_the_language(locale: str, count: int, said: str) -> None:
    store = MessageStore(defaults=TRANSLATIONS)
    text = await store.text("haptik_form_intro", locale, count=count, back="B", cancel="C")
    assert text.startswith(said)
    assert "{" not in text


# The words


@each_locale
def test_no_word_means_two_things(locale: str) -> None:
    ordinals = TRANSLATIONS[locale]["haptik_answer_ordinals"].split(";")
    places = [*(f"haptik_form_word_{name}" for name in WHOLE), "haptik_answer_last"]
    meanings = [set(words_of(locale, key)) for key in places]
    meanings += [{fold(word) for word in place.split(",")} for place in ordinals]
    for (one, first), (other, second) in itertools.combinations(enumerate(meanings), 2):
        assert not first & second, f"{places[one] if one < len(places) else one} and {other}: {first & second}"


@each_locale
@pytest.mark.parametrize("key", [key for key in WORDS if key != "haptik_answer_ordinals"])
def test_no_word_is_empty_or_there_twice(locale: str, key: str) -> None:
    # "Stopp" and "stop" are two; what differs in accents or case alone is one.
    assert [word for word, times in Counter(words_of(locale, key)).items() if times > 1 or not word] == []


@each_locale
def test_no_filler_takes_a_command_a_last_or_an_ordinal_away(locale: str) -> None:
    fillers = set(words_of(locale, "haptik_answer_fillers"))
    for key in ("haptik_answer_last", "haptik_answer_ordinals"):
        for word in words_of(locale, key):
            assert not set(word.split()) & fillers, word


@each_locale
def test_there_is_a_word_for_each_of_the_twelve_places_that_english_counts(locale: str) -> None:
    places = TRANSLATIONS[locale]["haptik_answer_ordinals"].split(";")
    assert len(places) == len(ENGLISH["haptik_answer_ordinals"].split(";"))
    assert all(place.strip() for place in places)


@each_locale
@pytest.mark.parametrize(
    "key",
    [
        *(f"haptik_form_word_{name}" for name in WHOLE),
        *("haptik_hsl_more", "haptik_hsl_options", "haptik_hsl_watch"),
    ],
)
def test_a_chip_fits_a_button_of_whatsapp(locale: str, key: str) -> None:
    label = TRANSLATIONS[locale][key].split(",")[0]
    assert len(label) <= 20
    assert len(label.encode("utf-16-le")) <= 40


@pytest.mark.parametrize(
    ("locale", "typed", "number"),
    [
        *(("de", text, 2) for text in ("die zweite", "Nummer 2", "ich möchte bitte das zweite", "zwei", "Nr. 2")),
        *(("de", text, 3) for text in ("die letzte bitte", "dritter")),
        *(("hi", text, 2) for text in ("दूसरा", "दूसरी वाली", "नंबर २", "mujhe dusra wala chahiye", "दो", "option 2")),
        *(("hi", text, 3) for text in ("आख़िरी वाला", "teesra", "last")),
    ],
)
def test_options_are_counted_in_the_language(locale: str, typed: str, number: int) -> None:
    copy = TRANSLATIONS[locale]
    words = AnswerWords.parse(
        {name: copy[f"haptik_answer_{name}"] for name in ("ordinals", "last", "option", "fillers")}
    )
    offers = render(Text("?", [Actionable.reply(each, each) for each in ("Pune", "Goa", "Agra")]), "rest").replies
    assert resolve(typed, offers, words=words) == ("Pune", "Goa", "Agra")[number - 1]


# What the sentences tell people to write is read


async def at(locale: str) -> Situation:
    store = MessageStore(defaults=TRANSLATIONS)
    return Situation(locale=locale, now=NOW, words=await read_words(lambda key: store.text(key, locale)))


EXAMPLES = [
    *[("ask_date", "date"), ("ask_days", "multidaypicker"), ("ask_dob", "dob"), ("ask_time", "time")],
    *[("ask_contact", "contactpicker"), ("error_date", "date"), ("error_days", "multidaypicker")],
    *[("error_dob", "dob"), ("error_time", "time")],
]


@each_locale
@pytest.mark.parametrize(("key", "kind"), EXAMPLES, ids=[key for key, _ in EXAMPLES])
async def test_the_examples_in_the_questions_are_read(locale: str, key: str, kind: str) -> None:
    example = TRANSLATIONS[locale][f"haptik_form_{key}"].rsplit(": ", 1)[1]
    form = FormSpec.read("a_form", form_of(field("It", kind)))
    here = await at(locale)
    for text in example.split(", ") if kind == "date" else [example]:
        assert isinstance(read_answer(form, form.fields[0], text, {}, here), Valid), text


@pytest.mark.parametrize(
    ("locale", "text", "day"),
    [
        ("de", "morgen", date(2026, 11, 26)),
        ("de", "am Freitag", date(2026, 11, 27)),
        ("de", "3.4.2027", date(2027, 4, 3)),
        ("hi", "कल", date(2026, 11, 26)),
        ("hi", "kal", date(2026, 11, 26)),
        ("hi", "शुक्रवार को", date(2026, 11, 27)),
        ("hi", "आज", date(2026, 11, 25)),
        ("de", "am 3. Maerz", date(2027, 3, 3)),
        ("de", "uebermorgen", date(2026, 11, 27)),
        ("de", "Freitag, den 13. August", date(2027, 8, 13)),
        ("de", "3. Mai um 14 Uhr", date(2027, 5, 3)),
        ("hi", "shukravar", date(2026, 11, 27)),
        ("hi", "is shanivar ko", date(2026, 11, 28)),
        ("hi", "इतवार", date(2026, 11, 29)),
        ("hi", "12 august ko", date(2027, 8, 12)),
    ],
)
async def test_days_are_read_in_the_language(locale: str, text: str, day: date) -> None:
    form = FormSpec.read("a_form", form_of(field("It", "date")))
    assert read_answer(form, form.fields[0], text, {}, await at(locale)) == Valid(day.isoformat())


@pytest.mark.parametrize(
    ("locale", "text", "first", "last"),
    [
        ("de", "vom 12. bis 15. August", "2027-08-12", "2027-08-15"),
        ("de", "vom 12. bis zum 15. August", "2027-08-12", "2027-08-15"),
        ("de", "12.-15. August", "2027-08-12", "2027-08-15"),
        ("de", "12.-15.8.", "2027-08-12", "2027-08-15"),
        ("de", "30.12.-02.01.2027", "2026-12-30", "2027-01-02"),
        ("hi", "12 अगस्त से 15 अगस्त तक", "2027-08-12", "2027-08-15"),
        ("hi", "12 se 15 august tak", "2027-08-12", "2027-08-15"),
    ],
)
async def test_several_days_are_read_in_the_language_and_are_no_single_one(
    locale: str, text: str, first: str, last: str
) -> None:
    here = await at(locale)
    several, one = (FormSpec.read("a_form", form_of(field("It", kind))) for kind in ("multidaypicker", "date"))
    found = read_answer(several, several.fields[0], text, {}, here)
    assert isinstance(found, Valid)
    assert isinstance(found.value, list)
    assert (found.value[0], found.value[-1], len(found.value)) == (first, last, 4)
    assert read_answer(one, one.fields[0], text, {}, here) == Invalid("haptik_form_error_date")


@each_locale
@pytest.mark.parametrize("kind", ["date", "multidaypicker"])
async def test_next_friday_is_asked_about_in_the_language(locale: str, kind: str) -> None:
    form, text = (
        FormSpec.read("a_form", form_of(field("It", kind))),
        {"de": "naechsten Freitag", "hi": "agle shukravar"},
    )
    outcome = read_answer(form, form.fields[0], text[locale], {}, await at(locale))
    if kind == "date":
        assert outcome == Doubt(("2026-11-27", "2026-12-04"))
    else:
        assert outcome == Invalid("haptik_form_error_days_doubt", {"piece": text[locale]})


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(("de", text) for text in ("heute Morgen", "morgen oder übermorgen", "jetzt", "nächste Woche", "diese Woche")),
        *(("de", text) for text in ("12./13. August", "3. Mai 14", "so oder so", "nicht am 3. Mai", "5 min", "am 3.")),
        *(("hi", text) for text in ("अब", "इस सप्ताह", "5 मिनट", "अगले साल", "12 से 15 अगस्त", "12 या 13 अगस्त", "parson")),
    ],
)
async def test_what_is_not_clearly_one_day_in_the_language_is_none(locale: str, text: str) -> None:
    form = FormSpec.read("a_form", form_of(field("It", "date")))
    assert read_answer(form, form.fields[0], text, {}, await at(locale)) == Invalid("haptik_form_error_date")


async def test_words_of_a_language_take_the_place_of_the_english_ones() -> None:
    own = {"de": {**TRANSLATIONS["de"], "haptik_form_word_skip": "Weiter", "haptik_form_word_weekdays": "Samstach 6"}}
    store = MessageStore(defaults=own)
    words = await read_words(lambda key: store.text(key, "de"))
    assert [words.command(text) for text in ("weiter", "skip", "Überspringen")] == ["skip", None, None]
    here = Situation(locale="de", now=NOW, words=words)
    form = FormSpec.read("a_form", form_of(field("It", "date")))
    found = [read_answer(form, form.fields[0], text, {}, here) for text in ("Samstach", "Samstag", "Sonnabend")]
    assert found == [Valid("2026-11-28"), Valid("2026-11-28"), Invalid("haptik_form_error_date")]


@pytest.mark.parametrize(
    ("locale", "text", "times"),
    [
        ("de", "14 Uhr", ["14:00"]),
        ("de", "um halb sechs", ["17:30", "05:30"]),
        ("de", "Viertel vor drei nachmittags", ["14:45"]),
        ("de", "fünf nach halb neun", ["08:35", "20:35"]),
        ("de", "gegen 8 abends", ["20:00"]),
        ("hi", "शाम 5 बजे", ["17:00"]),
        ("hi", "पौने छह बजे शाम", ["17:45"]),
        ("hi", "सवा पाँच", ["17:15", "05:15"]),
        ("hi", "saadhe teen baje", ["15:30", "03:30"]),
        ("de", "Mittag", ["12:00"]),
        ("de", "mittags", ["12:00"]),
        ("de", "1 Uhr mittags", ["13:00"]),
        ("de", "um Mitternacht", ["00:00"]),
        ("de", "früh um 7", ["07:00"]),
        ("hi", "shaam 5 baje", ["17:00"]),
        ("hi", "sham ko saadhe paanch baje", ["17:30"]),
        ("hi", "raat 9 baje", ["21:00"]),
        ("hi", "raat 2 baje", ["02:00"]),
        ("hi", "subah 11 baje", ["11:00"]),
        ("hi", "dopahar 2 baje", ["14:00"]),
        ("hi", "रात को 9 बजे", ["21:00"]),
        # Said by nobody: asked about.
        ("hi", "shaam 11 baje", ["11:00", "23:00"]),
    ],
)
async def test_times_are_read_in_the_language(locale: str, text: str, times: list[str]) -> None:
    form = FormSpec.read("a_form", form_of(field("It", "time")))
    expected = Valid(times[0]) if len(times) == 1 else Doubt((*times,))
    assert read_answer(form, form.fields[0], text, {}, await at(locale)) == expected


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(("de", text) for text in ("abends", "5,30", "5 30", "morgen früh")),
        *(("hi", text) for text in ("दोपहर", "dopahar", "shaam", "kal shaam 5 baje")),
    ],
)
async def test_a_part_of_the_day_is_no_time_in_the_language(locale: str, text: str) -> None:
    form = FormSpec.read("a_form", form_of(field("It", "time")))
    assert read_answer(form, form.fields[0], text, {}, await at(locale)) == Invalid("haptik_form_error_time")


@pytest.mark.parametrize(
    ("locale", "text", "command"),
    [
        *(("de", text, "back") for text in ("Zurück", "zurueck", "ZURÜCK!", "zuruck")),
        *(("de", text, "cancel") for text in ("abbrechen", "Stopp", "aufhören.")),
        *(("de", text, "confirm") for text in ("ja", "Ja, bitte", "stimmt so")),
        *(("de", text, "edit") for text in ("nein", "nee", "aendern")),
        *(("de", text, "done") for text in ("fertig", "das war’s")),
        *(("hi", text, "back") for text in ("पीछे", "wapas", "Peeche jao", "वापस")),
        *(("hi", text, "cancel") for text in ("रद्द करें", "cancel karo", "रोको")),
        *(("hi", text, "confirm") for text in ("हाँ", "हां", "haan", "Haan ji", "ठीक है", "theek hai!")),
        *(("hi", text, "edit") for text in ("नहीं", "nahi", "ग़लत", "badlo")),
        *(("hi", text, "skip") for text in ("छोड़ें", "छोडें", "skip", "chhod do")),
        *(("hi", text, "done") for text in ("हो गया", "ho gaya", "bas")),
        *(("hi", text, "more") for text in ("और", "aur dikhao")),
        *(("hi", text, "restart") for text in ("फिर से शुरू करें", "phir se shuru karo")),
    ],
)
async def test_commands_are_understood_as_people_type_them(locale: str, text: str, command: str) -> None:
    assert (await at(locale)).words.command(text) == command


@each_locale
async def test_sentences_that_name_a_command_name_one_that_is_understood(locale: str) -> None:
    quoted = re.findall("[„“]([^{}„“”]+)[“”]", TRANSLATIONS[locale]["haptik_form_error_needed"])
    assert [(await at(locale)).words.command(word) for word in quoted] == ["cancel"]


# Channels


@each_locale
@pytest.mark.parametrize("channel", list(CHANNELS))
def test_what_a_channel_adds_is_in_the_language_and_fits(locale: str, channel: str) -> None:
    copy, english = Copy.of(TRANSLATIONS[locale]), Copy.default()
    element = Button("Pune?", [Actionable.reply(f"Goa {number}", f"g{number}") for number in range(1, 31)])
    shown = render(element, channel, copy=copy, resolves=True)
    before = render(element, channel, copy=english, resolves=True)
    assert [note.code for note in shown.notes] == [note.code for note in before.notes]
    said = json.dumps(shown.messages, ensure_ascii=False)
    for name in ("choose", "continued", "reply_with_number", "say_more"):
        assert getattr(english, name) not in said


# Only where they were asked for


async def test_no_store_speaks_a_translation_on_its_own(redis_client: redis.asyncio.Redis) -> None:
    for store in (MessageStore(locale="de"), message_store(redis_client, locale="hi")):
        for tag in (None, *LOCALES):
            assert await store.text("haptik_apology", tag) == ENGLISH["haptik_apology"]


@pytest.fixture
async def catalogue(redis_client: redis.asyncio.Redis) -> Catalogue:
    return Catalogue(redis_client)


@each_locale
async def test_seeding_makes_them_defaults_and_keeps_edits(
    catalogue: Catalogue, redis_client: redis.asyncio.Redis, locale: str
) -> None:
    await redis_client.set(f"haptik:messages:{locale}:haptik_apology", "von Hand")
    done = await catalogue.seed_packaged(locale)
    assert (done.added, done.changed, done.removed, done.refused) == (len(ENGLISH), 0, 0, ())
    store = message_store(redis_client)
    assert await store.text("haptik_apology", locale) == "von Hand"
    assert await store.text("haptik_hsl_choose", locale) == TRANSLATIONS[locale]["haptik_hsl_choose"]
    assert await store.text("haptik_hsl_choose", "en") == ENGLISH["haptik_hsl_choose"]
    assert (await catalogue.get("haptik_hsl_choose", locale)).origin == "default"
    again = await catalogue.seed_packaged(locale)
    assert (again.added, again.changed, again.unchanged) == (0, 0, len(ENGLISH))
    assert (await catalogue.summary())[locale].missing == 0


async def test_a_seeding_of_a_domain_and_one_of_the_package_leave_each_other_alone(catalogue: Catalogue) -> None:
    await catalogue.seed({"utter_greet": [{"text": "Hallo {name}"}]}, locale="de", slots=["name", "order_id"])
    await catalogue.seed_packaged("de")
    assert (await catalogue.get("utter_greet", "de")).value == "Hallo {name}"
    # The domain's slots are still known to the check.
    assert await catalogue.check("utter_greet", "de", "Hallo {name}, {order_id}") == ()
    done = await catalogue.seed({"utter_bye": [{"text": "Servus"}]}, locale="de")
    assert (done.added, done.removed) == (1, 1)
    assert (await catalogue.get("haptik_apology", "de")).value == TRANSLATIONS["de"]["haptik_apology"]


@pytest.mark.parametrize("locale", ["de", "fr"])
async def test_a_sentence_of_the_package_is_measured_by_it_whatever_the_catalogues_language(
    redis_client: redis.asyncio.Redis, locale: str
) -> None:
    catalogue = Catalogue(redis_client, locale="de")
    finding = (await catalogue.check("haptik_form_error_options", locale, "{peace}?"))[0]
    assert (finding.severity, "{peace}" in finding.words) == ("error", True)
    assert await catalogue.check("haptik_form_error_options", locale, "{piece}?") == ()


async def test_a_language_that_the_package_does_not_have_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(ConfigurationError, match="no copy in 'fr'; it has de, hi"):
        await catalogue.seed_packaged("fr")


# A conversation in the language, on a real store


@pytest.fixture
async def speaking(valkey_url: str, redis_client: redis.asyncio.Redis) -> AsyncIterator[Callable[[str | None], Any]]:
    """A seeded store, and an action server whose language is set, before a platform that takes every chat."""
    made: list[Runtime] = []
    for locale in LOCALES:
        await Catalogue(redis_client).seed_packaged(locale)

    def speak(locale: str | None) -> None:
        settings = Settings(
            base_url="https://haptik.example",
            client_id="c",
            token="s3cr3t",
            team="support",
            redis_url=valkey_url,
            locale=locale,
        )
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
        made.append(Runtime(load_settings=lambda: settings, transport=transport, retries=0))
        configure(lambda: made[-1])

    yield speak
    configure()
    for runtime in made:
        await runtime.aclose()


CHATS = {
    "de": (
        "de-AT",
        ["Goa", "zurück", "die fünfte", "morgen", "17:30 Uhr", "Pool und Gym", "keine mail", "asha@example.org"],
        ["24. Mai 1990", "nein", "Abbrechen"],
    ),
    "hi": (
        "hi-IN",
        ["Goa", "वापस", "पाँचवाँ", "kal", "5:30 pm", "Pool और Gym", "कोई मेल नहीं", "asha@example.org"],
        ["24 मई 1990", "nahi", "रद्द करें"],
    ),
}


@each_locale
@pytest.mark.parametrize("told", ["by the setting", "by the user"])
async def test_a_form_is_held_in_the_language_to_its_end(
    speaking: Callable[[str | None], Any], locale: str, told: str
) -> None:
    copy, (tag, answers, ending) = TRANSLATIONS[locale], CHATS[locale]
    speaking(tag if told == "by the setting" else None)
    chat = FormChat(VisitForm) if told == "by the setting" else FormChat(VisitForm, language_code=tag)
    said = await chat.start()
    back, cancel = (copy[f"haptik_form_word_{name}"].split(",")[0] for name in ("back", "cancel"))
    assert any(back in text and cancel in text for text in said)
    heard = [await chat.say(text) for text in answers]
    assert chat.slots["visit_form_city"] == "Goa"
    assert chat.slots["visit_form_day"] == "2026-11-26"
    assert chat.slots["visit_form_time"] == "17:30"
    assert chat.slots["visit_form_extras"] == ["Pool", "Gym"]
    assert heard[-2][0] == copy["haptik_form_error_email"]
    assert chat.slots["visit_form_e_mail"] == "asha@example.org"
    summary = await chat.say(ending[0])
    assert summary[-1].startswith(copy["haptik_form_summary"].split("\n")[0])
    assert chat.chips()[:1] == [copy["haptik_form_word_confirm"].split(",")[0]]
    assert (await chat.say(ending[1]))[-1] == copy["haptik_form_edit_which"]
    assert (await chat.say(ending[2]))[-1] == copy["haptik_form_cancelled"]
    assert not chat.active


async def receipt_said(who: dict[str, Any]) -> Any:
    executor = ActionExecutor()
    executor.register_action(Failing())
    result = await executor.run(action_call(Failing().name(), metadata=who))
    answer: Any = result if isinstance(result, dict) else result.model_dump()
    return answer["responses"][-1]["text"]


@each_locale
async def test_a_hand_off_says_its_receipt_in_the_language(speaking: Callable[[str | None], Any], locale: str) -> None:
    speaking(None)
    who = {"user_name": f"u-{locale}", "business_id": 343, "language_code": f"{locale}-XX"}
    assert await receipt_said(who) == TRANSLATIONS[locale]["haptik_handoff_connected"]
    assert await receipt_said(who) == TRANSLATIONS[locale]["haptik_handoff_duplicate"]
