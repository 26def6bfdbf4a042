"""Writes the pages of the site: those of `docs/`, those made from the code, one for each example, and `llms.txt`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from docsite._api import api_page
from docsite._code import command_page, message_page, metric_page, settings_page
from docsite._lists import reindented
from docsite._sections import API, EXAMPLES, NOT_PUBLIC, SECTIONS, TOP
from docsite._texts import error_page

__all__ = ["write_site"]

ROOT = Path(__file__).resolve().parents[1]
_MADE = {
    "reference/settings.md": settings_page,
    "reference/commands.md": command_page,
    "reference/messages.md": message_page,
    "reference/metrics.md": metric_page,
    "reference/errors.md": error_page,
}
_LANGUAGES = {".py": "python", ".yml": "yaml", ".yaml": "yaml", ".json": "json", ".md": "markdown", ".toml": "toml"}
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)((?:#[^)]*)?\))")
_OWN_CSS = """/* Tables with long cells are read on a phone by moving them sideways. */
.md-typeset__table { overflow-x: auto; }
.md-typeset table:not([class]) td:first-child code { white-space: nowrap; }
.md-typeset table:not([class]) td { min-width: 7rem; }
.md-typeset h2 > code, .md-typeset h2, .md-typeset h3 { overflow-wrap: anywhere; }
"""


def write_site(folder: Path) -> list[str]:
    """Write `pages/` and `zensical.toml` into `folder`; return a line for each thing that is missing or wrong."""
    pages = folder / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    texts, problems = _collected()
    for name, text in texts.items():
        place = pages / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "images", pages / "docs-images")
    (pages / "own.css").write_text(_OWN_CSS, encoding="utf-8")
    (pages / "llms.txt").write_text(_llms(texts), encoding="utf-8")
    (pages / "llms-full.txt").write_text(
        "\n\n".join(texts[name] for name in _order() if name in texts), encoding="utf-8"
    )
    config = (ROOT / "docsite" / "zensical.toml").read_text(encoding="utf-8")
    (folder / "zensical.toml").write_text(config.replace("#NAV#", _navigation()), encoding="utf-8")
    return problems


def _collected() -> tuple[dict[str, str], list[str]]:
    """Return the text of every page by its place on the site, and what is wrong with them."""
    problems: list[str] = []
    places = _places()
    texts = {
        site: _relinked(ROOT / source, site, places, problems)
        for source, site in places.items()
        if source.endswith(".md") and (ROOT / source).is_file()
    }
    for example in EXAMPLES:
        if (ROOT / example).is_dir():
            texts[places[example]] += _files_of(ROOT / example)
    for name, make in _MADE.items():
        texts[name], wrong = make()
        problems += wrong
    for module, title in API:
        texts[_api_place(module)], wrong = api_page(module, title)
        problems += wrong
    problems += [f"{module}: is public and stands in no list of the site" for module in _unlisted()]
    named = set(_order())
    problems += [
        f"{name}: stands in no section of the site" for name in texts if name not in named and "decisions/" not in name
    ]
    problems += [f"{name}: a section of the site names it, and it is not there" for name in named if name not in texts]
    return texts, problems


def _unlisted() -> Iterator[str]:
    """Yield each module of the package without an underscore that `_sections.py` does not know."""
    known = {module for module, _ in API} | NOT_PUBLIC | {"haptik_actions.errors"}
    for place in sorted((ROOT / "haptik_actions").iterdir()):
        name = f"haptik_actions.{place.stem}"
        is_module = place.suffix == ".py" or (place / "__init__.py").is_file()
        if is_module and not place.stem.startswith("_") and name not in known:
            yield name


def _places() -> dict[str, str]:
    """Return where each file and folder of the repository stands on the site."""
    places = dict(TOP)
    for page in sorted((ROOT / "docs").rglob("*.md")):
        places[page.relative_to(ROOT).as_posix()] = page.relative_to(ROOT / "docs").as_posix()
    for picture in sorted((ROOT / "docs" / "images").iterdir()):
        places[f"docs/images/{picture.name}"] = f"docs-images/{picture.name}"
    for example in EXAMPLES:
        places[example] = places[f"{example}/README.md"] = f"{example}.md"
    return places


def _relinked(source: Path, site: str, places: dict[str, str], problems: list[str]) -> str:
    """Return the text of a page with its links as they lead from its place on the site."""

    def there(match: re.Match[str]) -> str:
        target = os.path.relpath((source.parent / match[2]).resolve(), ROOT)
        # A file of an example stands on the example's page.
        place = places.get(target) or next(
            (page for example, page in places.items() if target.startswith(f"{example}/")), ""
        )
        if not place:
            problems.append(f"{source.relative_to(ROOT)} links to {match[2]}, which is not on the site")
        return f"{match[1]}{os.path.relpath(place or '.', os.path.dirname(site) or '.')}{match[3]}"

    return _LINK.sub(there, reindented(source.read_text(encoding="utf-8")))


def _files_of(example: Path) -> str:
    parts = ["", "## Its files"]
    for file in sorted(example.rglob("*")):
        if file.is_file() and file.name != "README.md" and not {"models", ".rasa", "__pycache__"} & set(file.parts):
            language = _LANGUAGES.get(file.suffix, "text")
            parts.append(
                f"### {file.relative_to(example)}\n\n````{language}\n{file.read_text(encoding='utf-8').rstrip()}\n````"
            )
    return "\n\n".join(parts) + "\n"


def _api_place(module: str) -> str:
    return f"reference/api/{module.removeprefix('haptik_actions.') if '.' in module else 'index'}.md"


def _order() -> Iterator[str]:
    """Yield the pages in the order of the site."""
    yield "index.md"
    for title, pages in SECTIONS:
        yield from (name for name, _ in pages)
        if title == "Reference":
            yield from (_api_place(module) for module, _ in API)


def _navigation() -> str:
    lines = ['  { "Start" = "index.md" },']
    for title, pages in SECTIONS:
        entries = [f'{{ "{said}" = "{name}" }}' for name, said in pages]
        if title == "Reference":
            modules = ", ".join(f'{{ "{said}" = "{_api_place(module)}" }}' for module, said in API)
            entries.append(f'{{ "Python API" = [{modules}] }}')
        if title == "Explanation":
            entries.append(f'{{ "All decisions" = [{", ".join(_decisions())}] }}')
        lines.append(f'  {{ "{title}" = [{", ".join(entries)}] }},')
    return "nav = [\n" + "\n".join(lines) + "\n]"


def _decisions() -> Iterator[str]:
    for page in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        title = page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ").replace('"', "'")
        yield f'{{ "{title}" = "decisions/{page.name}" }}'


def _llms(texts: dict[str, str]) -> str:
    """Return the site's contents for programs that read: https://llmstxt.org says what it looks like."""
    lines = [
        "# haptik-actions",
        "",
        "> When an integration of a Rasa bot fails, the chat moves to a human agent on Haptik.",
        "",
    ]
    lines.append("All pages in one file: [llms-full.txt](llms-full.txt)")
    for title, pages in SECTIONS:
        lines += ["", f"## {title}", ""]
        lines += [
            f"- [{said}]({name.removesuffix('.md')}.html): {_first_sentence(texts.get(name, ''))}"
            for name, said in pages
        ]
        if title == "Reference":
            lines += [f"- [{module}]({_api_place(module).removesuffix('.md')}.html): {said}" for module, said in API]
    return "\n".join(lines) + "\n"


def _first_sentence(text: str) -> str:
    paragraph = next((part for part in text.split("\n\n")[1:] if re.match(r"[A-Z`*]", part)), "")
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    return re.split(r"(?<=[.:!?]) ", plain)[0]
