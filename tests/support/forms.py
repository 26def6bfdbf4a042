"""Forms of HTML as a browser would send them."""

from __future__ import annotations

from html.parser import HTMLParser


def fields_of(html: str, action: str) -> list[tuple[str, str]]:
    """Return the names and values that the post form to `action` sends when nobody changes anything, no button's."""
    reader = _Reader(action)
    reader.feed(html)
    assert reader.found, f"no form posts to {action}"
    return reader.fields


class _Reader(HTMLParser):
    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action
        self._is_inside = self.found = False
        self._area: tuple[str, list[str]] | None = None
        self._select = ""
        self.fields: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = given.get("method") == "post" and given.get("action") == self._action
            self.found |= self._is_inside
        elif self._is_inside and "disabled" not in given:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        if tag == "input" and given.get("type") not in ("file", "radio") and "name" in given:
            self.fields.append((given["name"], given.get("value", "")))
        elif tag == "textarea":
            self._area = (given["name"], [])
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and "selected" in given:
            self.fields.append((self._select, given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            name, parts = self._area
            # A browser drops the first line end.
            self.fields.append((name, "".join(parts).removeprefix("\n").replace("\n", "\r\n")))
            self._area = None
        elif tag == "form":
            self._is_inside = False
