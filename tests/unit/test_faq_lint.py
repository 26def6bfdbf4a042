"""Sources and the lint: a corpus of good and broken files with what is found in each, and properties of reading."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq import (
    CODES,
    COLUMNS,
    CsvSource,
    FaqNode,
    Finding,
    Limits,
    lint,
    load,
    open_source,
    read_csv,
    write_csv,
)
from haptik_actions.faq._cells import answer_findings
from haptik_actions.faq._lint import Claims
from haptik_actions.hsl import Unknown, parse

CORPUS = Path(__file__).parents[1] / "fixtures" / "faq"

HOURS = ["hours", "When are you open?|opening hours", "We are open from 9 to 18.<m>On Sundays we are closed."]
CAFE = ["café", "Où êtes-vous ?", "À Paris,\r\nprès de la gare"]
NO_EXTRAS = ["", "", "", ""]
SAME = [[*HOURS, *NO_EXTRAS], [*CAFE, *NO_EXTRAS]]

CONVERTED = ("converted", 0, "")
FOUND: dict[str, list[tuple[str, int, str]]] = {
    "good.csv": [],
    "good-bom.csv": [],
    "good-columns.csv": [],
    "good-cp1252.csv": [("encoding_guessed", 0, "")],
    "good-devanagari.csv": [],
    "good-hsl.csv": [],
    "good-semicolons.csv": [CONVERTED],
    "good-sep-line.csv": [CONVERTED],
    "good-utf16-no-bom.csv": [CONVERTED],
    "good-utf16be.csv": [CONVERTED],
    "good-utf16le.csv": [CONVERTED, CONVERTED],
    "good.jsonl": [],
    "good.xlsx": [],
    "not-a-workbook.xlsx": [("broken_file", 0, "")],
    "good.yaml": [],
    "good-markdown": [],
    "good-rasa": [],
    "bad-markdown": [
        ("bad_record", 1, ""),
        ("empty_cell", 2, "answer"),
        ("empty_cell", 3, "question"),
        ("bad_record", 4, "answer"),
        ("undecodable", 5, ""),
        ("bad_record", 6, ""),
    ],
    "bad-rasa": [
        ("no_examples", 0, "question"),
        ("delimiter_in_text", 1, "question"),
        ("variations_left_out", 1, "answer"),
        ("no_response", 2, "answer"),
        ("invalid_hsl", 3, "answer"),
        ("placeholder", 4, "answer"),
        ("no_response", 5, "answer"),
    ],
    "bad.jsonl": [
        ("delimiter_in_text", 1, "question"),
        ("bad_record", 3, ""),
        ("bad_record", 4, ""),
        ("bad_record", 5, "answer"),
        ("empty_cell", 5, "question"),
        ("empty_cell", 5, "answer"),
        ("unknown_column", 5, "questoin"),
        ("repeated_column", 6, "node_name"),
    ],
    "bad.xlsx": [("formula", 3, "answer"), ("extra_cells", 4, ""), ("empty_cell", 5, "question")],
    "bad.yaml": [
        ("bad_record", 1, "answer"),
        ("empty_part", 1, "answer"),
        ("bad_record", 2, ""),
        ("unknown_column", 3, "colour"),
    ],
    "no-list.yaml": [("bad_record", 0, "")],
    "cell-too-long.csv": [("cell_too_long", 2, "answer"), ("too_long", 2, "answer")],
    "claimed-accents.csv": [("question_claimed", 3, "question")],
    "control-characters.csv": [("control_character", row, "answer") for row in (2, 3, 4, 5)],
    "cut-utf16.csv": [CONVERTED, ("undecodable", 2, "")],
    "delimiter-in-hsl.csv": [("delimiter_in_text", 2, "answer")],
    "delimiter-in-question.csv": [("delimiter_in_text", 2, "question"), ("delimiter_in_text", 3, "question")],
    "duplicate-name.csv": [("duplicate_name", 4, "node_name")],
    "empty-cells.csv": [("empty_cell", 2, "node_name"), ("empty_cell", 3, "question"), ("empty_cell", 4, "answer")],
    "empty-parts.csv": [("empty_part", row, column) for row in (2, 3) for column in ("question", "answer")],
    "empty.csv": [("missing_column", 0, column) for column in ("node_name", "question", "answer")],
    "extra-cells.csv": [("extra_cells", 2, "")],
    "formulas.csv": [
        ("formula", 2, "answer"),
        ("formula", 3, "answer"),
        ("formula_sign", 4, "answer"),
        ("formula_sign", 5, "node_name"),
        ("formula_sign", 5, "answer"),
    ],
    "header-only.csv": [("no_rows", 0, "")],
    "hsl-bad-link.csv": [("invalid_hsl", 2, "answer")],
    "hsl-no-type.csv": [("invalid_hsl", 2, "answer")],
    "hsl-not-json.csv": [("invalid_hsl", 2, "answer")],
    "hsl-unknown-type.csv": [("invalid_hsl", 2, "answer")],
    "invisible.csv": [
        ("invisible_character", 2, "question"),
        ("invisible_character", 3, "answer"),
        ("invisible_character", 4, "node_name"),
    ],
    "lost-bytes.csv": [("undecodable", 4, "answer")],
    "missing-column.csv": [("missing_column", 1, "answer"), ("unknown_column", 1, "anwser")],
    "mojibake.csv": [("mojibake", row, "question") for row in (2, 3, 4)],
    "odd-delimiters.csv": [
        ("odd_delimiter", 2, "question"),
        ("odd_delimiter", 2, "answer"),
        ("odd_delimiter", 3, "question"),
        *[("odd_delimiter", 3, "answer")] * 3,
    ],
    "question-claimed.csv": [("question_claimed", 3, "question")],
    "question-repeated.csv": [("question_repeated", 2, "question")],
    "repeated-column.csv": [("repeated_column", 1, "answer")],
    "similar-name.csv": [("similar_name", 3, "node_name"), ("similar_name", 4, "node_name")],
    "stray-quote.csv": [("broken_csv", 3, "")],
    "too-long.csv": [("too_long", 2, "answer"), ("too_long", 2, "node_name"), ("too_long", 3, "question")],
    "unclosed-quote.csv": [("broken_csv", 3, "")],
    "undefined-cp1252.csv": [("encoding_guessed", 0, ""), ("undecodable", 3, "answer")],
    "unsafe-links.csv": [
        ("unsafe_link", 2, "answer"),
        ("unsafe_link", 3, "link_url"),
        ("unsafe_link", 4, "link_url"),
        ("link_incomplete", 5, "link_url"),
        ("unsafe_link", 6, "answer"),
    ],
}
"""File -> code, row and column of each finding."""

NODES: dict[str, list[list[str]]] = {
    "good.csv": SAME,
    "good-bom.csv": SAME,
    "good-cp1252.csv": SAME,
    "good-semicolons.csv": SAME,
    "good-utf16-no-bom.csv": SAME,
    "good-utf16be.csv": SAME,
    "good-utf16le.csv": SAME,
    "good-sep-line.csv": [["hours", "When?", "9, or so", *NO_EXTRAS]],
    "good-columns.csv": [
        ["hours", "When?", "9 to 18", "Yes|No", "Hours", "Open", "https://shop.example/hours"],
        ["late", "And later?", "10 to 19", *NO_EXTRAS],
    ],
    "good.jsonl": [["a", "A?|B?", r'{"type":"TEXT","text":"x \u003cm> y","data":{}}<m>text', *NO_EXTRAS]],
    "good.yaml": [
        [
            "hours",
            "When are you open?|opening hours",
            'We are open from 9 to 18.<m>{"type":"TEXT","text":"Anything else?","data":{"quick_replies":[]}}',
            *("", "", "", "https://shop.example/hours"),
        ]
    ],
    "good.xlsx": [
        ["hours", "When?", "9", *NO_EXTRAS],
        ["late", "Later?", "18.5", *NO_EXTRAS],
        ["date", "Which day?", "2026-11-25", *NO_EXTRAS],
        ["yes", "Really?", "TRUE", *NO_EXTRAS],
    ],
    "good-markdown": [
        [
            "hours",
            "When are you open?|opening hours",
            r'We are open from 9 to 18.<m>{"type":"TEXT","text":"Anything else? \u003cm>","data":{}}',
            *("", "", "", "https://shop.example/hours"),
        ],
        ["shipping/cost", "What does shipping cost?", "Nothing.", *NO_EXTRAS],
    ],
}


def listed(findings: list[Finding]) -> list[tuple[str, int, str]]:
    return [(finding.code, finding.row, finding.column) for finding in findings]


def needs_openpyxl(name: str) -> None:
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")


def test_the_table_names_every_file() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {*FOUND, ".gitattributes"}


@pytest.mark.parametrize("name", list(FOUND))
def test_a_file_has_these_findings_and_no_others(name: str) -> None:
    needs_openpyxl(name)
    report, nodes = load(open_source(CORPUS / name))
    assert listed(report.findings.listed()) == FOUND[name]
    has_error = any(CODES[code].severity == "error" for code, _, _ in FOUND[name])
    assert (report.ok, nodes is None) == (not has_error, has_error)
    for finding in report.findings.listed():
        assert finding.message.endswith((".", "?")), "a sentence"
        assert finding.file.startswith(str(CORPUS / name))
        assert finding.remedy


@pytest.mark.parametrize("name", list(NODES))
def test_a_good_file_gives_its_nodes_whatever_wrote_it(name: str) -> None:
    needs_openpyxl(name)
    _, nodes = load(open_source(CORPUS / name))
    assert nodes is not None
    assert list(nodes.rows()) == NODES[name]


def test_every_code_is_found_in_some_file() -> None:
    assert {code for found in FOUND.values() for code, _, _ in found} == set(CODES)


def test_a_rasa_project_gives_retrieval_intents_with_buttons_as_quick_replies() -> None:
    _, nodes = load(open_source(CORPUS / "good-rasa"))
    assert nodes is not None
    hours, pay = (FaqNode.from_cells(cells) for cells in nodes.rows())
    assert hours.questions == ("When are you open?", "open on Sunday or monday")
    assert pay.questions == ("Can I pay by card?",)
    assert '"message":"Maestro"' in pay.answers[0]


RESPONSES = {
    "- text: For gold.\n  condition: [{type: slot, name: tier, value: gold}]\n- text: For all.": "For all.",
    "- text: ''\n- text: ' '\n- text: Third": "Third",
    "- text: Slack\n  channel: slack\n- text: All": "All",
    "- text: Slack\n  channel: slack": "Slack",
    "- text: 'Caf\\u00e9'": "Café",
    '- text: "Hello \\ud83d\\ude00"': "Hello 😀",
    "- custom: {type: TEXT, text: Hi, data: {}}": '{"type":"TEXT","text":"Hi","data":{}}',
}


@pytest.mark.parametrize(("response", "answer"), RESPONSES.items())
def test_the_answer_is_what_rasa_says_to_everybody(tmp_path: Path, response: str, answer: str) -> None:
    report, nodes = load(open_source(rasa_project(tmp_path, response, "When?")))
    assert nodes is not None, report.findings.listed()
    assert [FaqNode.from_cells(cells).answers for cells in nodes.rows()] == [(answer,)]


@pytest.mark.parametrize("examples", ["C:\\\n- Where?", "Where?\n- C:\\"])
def test_a_backslash_at_the_end_of_an_example_is_no_delimiter(tmp_path: Path, examples: str) -> None:
    report, nodes = load(open_source(rasa_project(tmp_path, "- text: There", examples)))
    assert report.findings.listed() == []
    assert nodes is not None
    assert [sorted(FaqNode.from_cells(cells).questions) for cells in nodes.rows()] == [["C:\\", "Where?"]]


@pytest.mark.parametrize(
    ("intents", "said"),
    [
        ([], "no retrieval intents `faq/…`, and none with another prefix."),
        (["greet"], "no retrieval intents `faq/…`, and none with another prefix."),
        (["help/a", "chitchat/hi", "chitchat/bye"], "It has `chitchat/…`, `help/…`: name the prefix with --intents."),
    ],
)
def test_a_project_without_our_intents_reads_which_it_has(tmp_path: Path, intents: list[str], said: str) -> None:
    (tmp_path / "data").mkdir()
    nlu = "".join(f"- intent: {intent}\n  examples: |\n    - hello\n" for intent in intents)
    (tmp_path / "data" / "nlu.yml").write_text(f"nlu:\n{nlu}" if nlu else "rules: []\n", encoding="utf-8")
    (finding,) = lint(open_source(tmp_path, format="rasa")).findings.listed()
    assert finding.code == "no_rows"
    assert said in finding.message


def rasa_project(folder: Path, response: str, examples: str) -> Path:
    """A project with one retrieval intent."""
    lines = [f"- {line.removeprefix('- ')}" for line in examples.splitlines()]
    nlu = "\n".join(["nlu:", "- intent: faq/x", "  examples: |", *(f"    {line}" for line in lines)])
    domain = "\n".join(["responses:", "  utter_faq/x:", *(f"  {line}" for line in response.splitlines())])
    (folder / "data").mkdir()
    (folder / "data" / "nlu.yml").write_text(nlu, encoding="utf-8")
    (folder / "domain.yml").write_text(domain, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "row", "line"), [("unclosed-quote.csv", 3, 3), ("lost-bytes.csv", 4, 5), ("duplicate-name.csv", 4, 4)]
)
def test_a_finding_names_row_and_line(name: str, row: int, line: int) -> None:
    found = lint(CsvSource(CORPUS / name)).findings.listed()[-1]
    assert (found.row, found.line) == (row, line)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "nowhere.csv"}, "nowhere.csv does not exist."),
        ({"path": CORPUS / "good.xlsx", "sheet": "Faqs"}, "has no sheet 'Faqs'. It has: FAQ, Notes."),
        ({"path": CORPUS / "good-rasa" / "data", "format": "rasa"}, "is no Rasa project"),
        ({"path": CORPUS, "format": "csv"}, "is a folder, which csv is not."),
        ({"path": CORPUS / "good.csv", "format": "markdown"}, "is a file, which markdown is not."),
        ({"path": CORPUS / "good.csv", "encoding": "klingon"}, "'klingon' is not known"),
        ({"path": CORPUS / ".gitattributes"}, "its suffix says no format. Name it with --from"),
    ],
)
def test_a_source_that_cannot_be_read_is_named_with_a_remedy(arguments: dict[str, Any], said: str) -> None:
    if str(arguments["path"]).endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    with pytest.raises(ConfigurationError, match=said.replace("(", r"\(")):
        lint(open_source(**arguments))


def test_an_encoding_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_bytes("node_name,question,answer\nłódź,Gdzie?,Łódź\n".encode("cp1250"))
    report, nodes = load(CsvSource(tmp_path / "faq.csv", encoding="cp1250"))
    assert nodes is not None
    assert (listed(report.findings.listed()), next(nodes.rows())[0]) == ([], "łódź")


def test_limits_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("node_name,question,answer\nhours,When?,From 9 to 18\n")
    report = lint(CsvSource(tmp_path / "faq.csv"), limits=Limits(name=4, question=4, bot_say=5))
    assert sorted(finding.column for finding in report.findings.listed()) == ["answer", "node_name", "question"]


def test_a_thousand_findings_are_counted_and_the_first_are_kept(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("node_name,question,answer\n" + "".join(f"n{i},q{i},\n" for i in range(1000)))
    report = lint(CsvSource(tmp_path / "faq.csv"), keep=10)
    assert (report.findings.count("error"), len(report.findings.listed())) == (1000, 10)


# The model


# No control characters (lint refuses them), no lone surrogates, no delimiters; line breaks inside a text are kept.
text = st.text(
    st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="|<"), min_size=1, max_size=20
).map(str.strip)
part = st.one_of(text, st.tuples(text, st.sampled_from(["\n", "\r\n", "\r", '"', ",", ";"]), text).map("".join)).map(
    str.strip
)
parts = st.lists(part.filter(bool), min_size=1, max_size=4).map(tuple)
nodes_of = st.lists(
    st.builds(FaqNode, name=part.filter(bool), questions=parts, answers=parts, quick_replies=part, link_url=part),
    max_size=5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all examples of a property."""
    return tmp_path_factory.mktemp("faq")


@settings(max_examples=60)
@given(nodes=nodes_of)
def test_nodes_come_back_from_csv_as_they_were_written(nodes: list[FaqNode], folder: Path) -> None:
    path = folder / "faq.csv"
    assert write_csv(nodes, path) == len(nodes)
    assert list(read_csv(path)) == nodes
    again = path.with_name("again.csv")
    write_csv(read_csv(path), again)
    assert again.read_bytes() == path.read_bytes()


@settings(max_examples=50)
@given(
    nodes=nodes_of.filter(bool),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    delimiter=st.sampled_from(",;\t"),
    # With a mere \n as its line's end, csv leaves a \r without quotes, and nobody could read that back.
    style=st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
def test_a_file_is_read_the_same_in_every_form_a_spreadsheet_writes(
    nodes: list[FaqNode], encoding: str, delimiter: str, style: tuple[str, Any], folder: Path
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=style[0], quoting=style[1])
    writer.writerow(COLUMNS)
    writer.writerows(node.to_cells() for node in nodes)
    path = folder / "faq.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    assert list(read_csv(path)) == nodes


@settings(max_examples=120)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.text(st.sampled_from('ab,;|<m>"\n\r\t\0{}=é'), max_size=200).map(
            lambda text: ("node_name,question,answer\n" + text).encode()
        ),
    )
)
def test_no_file_breaks_the_lint(content: bytes, folder: Path) -> None:
    path = folder / "faq.csv"
    path.write_bytes(content)
    report, nodes = load(CsvSource(path))
    assert (nodes is None) == (not report.ok)
    if nodes is not None:
        # What passes is read back as the same set from the very file that is uploaded.
        path.write_bytes(nodes.upload())
        assert load(CsvSource(path))[1] is not None
        assert list(read_csv(path)) == [FaqNode.from_cells(cells) for cells in nodes.rows()]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"questions": ("a|b",)}, r"question\[0\] holds '\|'"),
        ({"answers": ("a", "b<m>c")}, r"answer\[1\] holds '<m>'"),
        ({"questions": ("a", " ")}, r"question\[1\] is empty"),
        ({"answers": ()}, "answer has no part"),
    ],
)
def test_a_node_that_would_be_read_back_as_another_is_refused(change: dict[str, Any], said: str) -> None:
    node = FaqNode(**{"name": "x", "questions": ("q",), "answers": ("a",), **change})
    with pytest.raises(ConfigurationError, match=said):
        node.to_cells()


def test_what_repeats_is_found_among_more_keys_than_are_looked_at_at_once() -> None:
    claims = Claims()
    claims.add_all(range(-300_000, 300_000))
    claims.add_all([5, 299_999, -300_000])
    claims.add(-7)
    assert claims.repeated() == {5, 299_999, -300_000, -7}


def test_a_folder_of_markdown_may_have_a_folder_called_domain(tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "names.md").write_text("# Which domain names do you sell?\n\nAll of them.\n")
    _, nodes = load(open_source(tmp_path))
    assert nodes is not None
    assert list(nodes.rows()) == [["domain/names", "Which domain names do you sell?", "All of them.", *NO_EXTRAS]]


anything = st.text(max_size=3) | st.sampled_from(["TEXT", "TEXT_ONLY", "{x}", " ", "\u2003"])


@settings(max_examples=150)
@given(
    words=anything,
    kind=st.just("TEXT") | anything,
    label=anything,
    message=anything,
    of=st.just("TEXT_ONLY") | anything,
    gogo=anything,
)
def test_a_text_that_is_accepted_without_a_closer_look_is_one_that_hsl_reads(
    words: str, kind: str, label: str, message: str, of: str, gogo: str
) -> None:
    payload = {"message": message, "gogo_message": gogo}
    reply = {"actionable_text": label, "type": of, "is_default": 0, "payload": payload}
    element = {"type": kind, "text": words, "data": {"quick_replies": [reply]}}
    if not list(answer_findings(json.dumps(element), 100)):
        assert parse(element).to_hsl() == element
        assert not isinstance(parse(element), Unknown)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("＝1+1", "formula"),
        ("＠SUM(A1)", "formula"),
        ("＋5 more", "formula_sign"),
        ("－5 degrees", "formula_sign"),
        ("\t=1+1", "formula"),
        ("5＝5", None),
    ],
    ids=["equals", "at", "plus", "minus", "after-a-tab", "inside"],
)
def test_full_width_signs_are_formulas_too(tmp_path: Path, answer: str, code: str | None) -> None:
    path = tmp_path / "faq.csv"
    path.write_text(f"node_name,question,answer\nsum,What?,{answer}\n", encoding="utf-8")
    expected = [(code, 2, "answer")] if code else []
    assert listed(lint(CsvSource(path)).findings.listed()) == expected
