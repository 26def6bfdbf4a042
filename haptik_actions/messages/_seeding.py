"""Writing the defaults of a locale beside what people edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from haptik_actions.messages._contents import Contents
from haptik_actions.messages._editor import Editor
from haptik_actions.messages._entry import Seeded
from haptik_actions.messages._names import Place

__all__ = ["put_defaults", "removed"]


async def put_defaults(
    editor: Editor, contents: Contents, tag: str, values: Mapping[str, str], removes: Callable[[str], bool]
) -> tuple[Seeded, list[str]]:
    """Write `values` as defaults of the locale `tag`; return what was done and the Redis keys that changed.

    `removes` tells whether a default that is not in `values` goes.
    """
    before = await _before(editor, contents, tag)
    writes: dict[str, str | None] = {
        Place(tag, key).default: value for key, value in values.items() if before.get(key) != value
    }
    gone = _gone(before, values, removes)
    await editor.put(writes | {Place(tag, key).default: None for key in gone})
    changed = [key for key, value in values.items() if key in before and before[key] != value]
    done = Seeded(
        added=sum(key not in before for key in values),
        changed=len(changed),
        removed=len(gone),
        unchanged=len(values) - len(writes),
        kept_edited=tuple(sorted(key for key in changed if contents.live(Place(tag, key)) is not None)),
    )
    return done, [*writes, *(Place(tag, key).default for key in gone)]


async def removed(
    editor: Editor, contents: Contents, tag: str, values: Mapping[str, str], removes: Callable[[str], bool]
) -> tuple[str, ...]:
    """Return the keys whose defaults `put_defaults` would remove."""
    return tuple(_gone(await _before(editor, contents, tag), values, removes))


async def _before(editor: Editor, contents: Contents, tag: str) -> dict[str, str]:
    places = contents.places(tag)
    seeded = await editor.values([place.default for place in places])
    return {place.key: value for place, value in zip(places, seeded, strict=True) if value is not None}


def _gone(before: Mapping[str, str], values: Mapping[str, str], removes: Callable[[str], bool]) -> list[str]:
    return [key for key in before if key not in values and removes(key)]
