"""Broken, deep, endless and huge files: `faq lint` finds what is wrong with them, and no traceback comes out."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions._yaml import YamlProblem, load_bounded
from haptik_actions.config import read_yaml
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq import lint, open_source

PAIRS = zip("abcdefgh", "bcdefghi", strict=True)
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{to}: &{to} [{','.join([f'*{of}'] * 9)}]\n" for of, to in PAIRS)
NODE = "- name: x\n  question: y\n  answer: z\n"

YAML_FILES = [
    ("[" * 1_000 + "]" * 1_000, "line 1: it is nested more than 100 deep."),
    ("[" * 100_000, "line 1: it is nested more than 100 deep."),
    (NODE + "- name: b\n  question: c\n  answer: " + "{a: " * 150 + "x" + "}" * 150, "line 6: it is nested more than"),
    ("- &a\n  name: x\n  question: y\n  answer: *a\n", "line 4: an alias refers to what it stands in."),
    ("- name: x\n  question: y\n  answer: &q {type: TEXT, text: hi, data: *q}\n", "line 3: an alias refers to"),
    ("a: &a {<<: *a, b: 1}\n", "line 1: an alias refers to what it stands in."),
    ("? &a [*a]\n: x\n", "line 1: an alias refers to what it stands in."),
    (LAUGHS, "its aliases stand for more than 100,000 values."),
    ("a: &a {k: 1}\nb: &b [" + "*a," * 40_000 + "]\nc: {<<: *b}\nd: *b\n", "its aliases stand for more than"),
    ("- name: x\n  question: y\n  name: z\n", "line 3: a key stands twice, in line 1 and here (name)."),
    ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a\n", "line 4: a key stands twice, in line 3 and here (<<)."),
    ("1: a\n1.0: b\n", "a key stands twice."),
    ("- 2026-99-99\n", "this is not valid YAML"),
    ("- !!bool abc\n", "this is not valid YAML"),
    ("- !!float abc\n", "this is not valid YAML"),
    ("- " + "9" * 5_000, "this is not valid YAML"),
    ('- "\\Uffffffff"\n', "this is not valid YAML"),
    ("- !!python/object:os.system x\n", "this is not valid YAML"),
]


@pytest.mark.parametrize(("text", "said"), YAML_FILES)
def test_yaml_that_cannot_be_read_is_a_finding(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "faq.yml"
    file.write_text(text)
    report = lint(open_source(file))
    (found,) = report.findings.listed()
    assert (report.ok, found.code, said in found.message) == (False, "broken_file", True), found


def test_a_rasa_project_is_read_without_its_broken_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "domain.yml").write_text("responses:\n  utter_faq/hours: [{text: Nine}]\n")
    (tmp_path / "data" / "nlu.yml").write_text("nlu:\n- intent: faq/hours\n  examples: |\n    - when\n")
    (tmp_path / "data" / "more.yml").write_text("&a [*a]")
    report = lint(open_source(tmp_path))
    assert [(found.code, found.file) for found in report.findings.listed()] == [
        ("broken_file", str(tmp_path / "data" / "more.yml"))
    ]
    assert report.rows == 1


def test_front_matter_that_refers_to_itself_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "hours.md").write_text("---\nquestions: &a [*a]\n---\nNine.\n")
    (found,) = lint(open_source(tmp_path)).findings.listed()
    assert "an alias refers to what it stands in" in found.message


def test_what_is_wrong_is_said_without_the_text_of_the_file(tmp_path: Path) -> None:
    for text in ("token: s3cret\ntoken: s3cret\n", "s3cret: &s3cret [*s3cret]", "- !s3cret x"):
        (tmp_path / "credentials.yml").write_text(text)
        with pytest.raises(ConfigurationError) as refused:
            read_yaml(tmp_path / "credentials.yml")
        assert "s3cret" not in str(refused.value)
        assert refused.value.__cause__ is refused.value.__context__ is None


def test_ordinary_aliases_and_merges_are_read() -> None:
    text = "base: &base {a: 1, b: [1, 2]}\nmore: {<<: *base, b: 3}\nlist: [*base, *base]\n"
    base = {"a": 1, "b": [1, 2]}
    assert load_bounded(text) == {"base": base, "more": {"a": 1, "b": 3}, "list": [base, base]}


@given(st.text(alphabet="ab&*<:-[]{},?!|> \n\"'#%@`0.", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        load_bounded(text)
    except YamlProblem:
        return


def workbook(tmp_path: Path, **parts: bytes | None) -> Path:
    """A good workbook whose parts, named by how they end, are replaced; None leaves a part out."""
    openpyxl = pytest.importorskip("openpyxl")
    made = openpyxl.Workbook()
    for row in (["node_name", "question", "answer"], ["a", "b", "c"]):
        made.active.append(row)
    whole = io.BytesIO()
    made.save(whole)
    path = tmp_path / "faq.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        contents = {name: source.read(name) for name in source.namelist()}
        for name, data in parts.items():
            known = next((each for each in contents if each.endswith(f"/{name}.xml")), f"xl/{name}.xml")
            contents[known] = data or b""
            if data is None:
                del contents[known]
        for name, data in contents.items():
            target.writestr(name, data)
    return path


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
HEAD = b"<row>" + b"".join(
    b'<c t="inlineStr"><is><t>%s</t></is></c>' % name for name in (b"node_name", b"question", b"answer")
)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"sheet1": None}, "has no sheet with cells"),
        ({"sheet1": SHEET[:40]}, "read: ParseError"),
        ({"sheet1": SHEET % HEAD}, "read"),
        (
            {"sheet1": SHEET % (HEAD + b'</row><row r="999999999"><c r="A999999999"><v>1</v></c></row>')},
            "rows, which no",
        ),
        ({"sheet1": SHEET % (HEAD + b'</row><row r="2"><c r="ZZZZ2"><v>1</v></c></row>')}, "cannot be read to its end"),
        ({"workbook": None}, "is not an XLSX workbook"),
        ({"workbook": b"<workbook"}, "is not an XLSX workbook"),
        ({"styles": b"<a>" * 1_000}, "is not an XLSX workbook"),
        ({"sharedStrings": b"<si><t>abc</t></si>" * 2_000_000}, "would be 38 MB once unpacked"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_a_finding(tmp_path: Path, parts: dict[str, bytes | None], said: str) -> None:
    report = lint(open_source(workbook(tmp_path, **parts)))
    found = report.findings.listed()[-1]
    assert (report.ok, found.code, said in found.message) == (False, "broken_file", True), found


@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 5), slice(0, -100), slice(200, None)])
def test_a_damaged_archive_is_a_finding(tmp_path: Path, cut: slice) -> None:
    path = workbook(tmp_path)
    path.write_bytes(path.read_bytes()[cut])
    (found,) = lint(open_source(path)).findings.listed()
    assert (found.code, "is not an XLSX workbook" in found.message) == ("broken_file", True)


def test_a_sheet_that_claims_to_be_large_is_read_as_it_is(tmp_path: Path) -> None:
    claim = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
    )
    sheet = (
        claim + b"<sheetData>" + HEAD + b"</row>" + HEAD.replace(b"node_name", b"a") + b"</row></sheetData></worksheet>"
    )
    report = lint(open_source(workbook(tmp_path, sheet1=sheet)))
    assert (report.ok, report.rows) == (True, 1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        open_source(tmp_path / "faq.xlsx")
