"""Files of elements: one JSON value, a list, or a value on each line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._console import name_of, text_of
from haptik_actions.errors import ConfigurationError, InvalidElement

if TYPE_CHECKING:
    from haptik_actions.hsl import Element

__all__ = ["FILES", "JsonValue", "channels_option", "elements_in", "values_in"]

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILES...")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonValue:
    """One JSON value of a file: `name` is the file with the place in it, as it is shown."""

    name: str
    file: str
    line: int | None = None
    value: Any

    def read(self) -> Element:
        """The element.

        Raises:
            InvalidElement: with the path inside of the value.
        """
        from haptik_actions.hsl import parse

        if isinstance(self.value, (list, tuple)):
            raise InvalidElement("", "a list inside of a list")
        element: Element = parse(self.value)
        return element


def values_in(files: Iterable[Path]) -> list[JsonValue]:
    """The values of the files, one by one.

    Raises:
        ConfigurationError: a file cannot be read, or is no JSON, neither as a whole nor line by line.
    """
    return [place for file in files for place in _places(name_of(file), text_of(file))]


def elements_in(files: Iterable[Path]) -> list[Element]:
    """The elements of the files.

    Raises:
        ConfigurationError: a file is no JSON, or holds what is no element; the message names file and path.
    """
    return [_element(place) for place in values_in(files)]


def _element(place: JsonValue) -> Element:
    try:
        return place.read()
    except InvalidElement as mistake:
        raise ConfigurationError(f"{place.name}: {mistake}") from mistake


def _places(name: str, text: str) -> Iterator[JsonValue]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield from _lines(name, text, error)
        return
    if not isinstance(value, list):
        yield JsonValue(name=name, file=name, value=value)
        return
    for index, item in enumerate(value):
        yield JsonValue(name=f"{name}[{index}]", file=name, value=item)


def _lines(name: str, text: str, error: Exception) -> Iterator[JsonValue]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) < 2:
        raise ConfigurationError(f"{name} is no JSON: {error}. Give one element, a list, or one on each line.")
    for number, line in lines:
        try:
            yield JsonValue(name=f"{name}:{number}", file=name, line=number, value=json.loads(line))
        except ValueError as mistake:
            raise ConfigurationError(
                f"{name} is no JSON as a whole ({error}), nor line by line (line {number}: {mistake}). "
                "Give one element, a list, or one on each line."
            ) from mistake


def channels_option(
    context: click.Context, parameter: click.Parameter, given: Sequence[str]
) -> tuple[str, ...]:  # click hands over all three
    """The names of `--channels`, separated by commas or given more than once; none stands for all."""
    from haptik_actions.render import CHANNELS

    names = tuple(name.strip() for part in given for name in part.split(",") if name.strip())
    for name in names:
        if name not in CHANNELS:
            raise click.BadParameter(f"{name!r} is no channel. There are: {', '.join(CHANNELS)}.")
    return tuple(dict.fromkeys(names))
