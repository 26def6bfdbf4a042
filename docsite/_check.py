"""The built site: every link, picture and anchor inside of it leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["broken_links"]


def broken_links(site: Path) -> list[str]:
    """Return a line for each link of the site's pages that leads nowhere; one line if there are no pages."""
    pages = sorted(site.rglob("*.html"))
    if not pages:
        return [f"{site}: no page was built"]
    return [problem for page in pages if page.name != "404.html" for problem in _problems(site, page)]


class _Reader(HTMLParser):
    """Collects where a page leads to (`links`), what it loads (`loads`), and its anchors (`anchors`)."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        known = {name: value or "" for name, value in attrs}
        self.anchors |= {known[name] for name in ("id", "name") if known.get(name)}
        if tag == "a" and known.get("href"):
            self.links.add(known["href"])
        elif tag in ("img", "script", "iframe") and known.get("src"):
            self.loads.add(known["src"])
        elif tag == "link" and known.get("rel") in ("stylesheet", "icon", "preconnect"):
            self.loads.add(known.get("href", ""))


@cache
def _read(page: Path) -> _Reader:
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def _problems(site: Path, page: Path) -> list[str]:
    read = _read(page)
    name = page.relative_to(site)
    found = [f"{name} loads {address} from elsewhere" for address in sorted(read.loads) if urlsplit(address).netloc]
    for address in sorted(read.links | read.loads):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = _target(site, page, unquote(parts.path))
        if not target.is_file():
            found.append(f"{name} links to {address}, which is not there")
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in _read(target).anchors:
            found.append(f"{name} links to {address}, and that page has no such heading")
    return found


def _target(site: Path, page: Path, path: str) -> Path:
    if not path:
        return page
    target = site / path.lstrip("/") if path.startswith("/") else (page.parent / path).resolve()
    return target / "index.html" if target.is_dir() else target
