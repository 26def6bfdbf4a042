"""Options beyond what a channel can show at once: the first page, and behind "More" the rest of the element."""

from __future__ import annotations

from collections.abc import Sequence

from haptik_actions import hsl
from haptik_actions.render._content import Content, Control
from haptik_actions.render._draft import Draft


def first_page(answers: Sequence[Control], most: int, content: Content, draft: Draft) -> Sequence[Control] | None:
    """The options to show at once. None where there are more than fit, and no page can hold the others.

    Pages need a caller that resolves answers: nobody else understands the control "More".
    """
    if len(answers) <= most:
        return answers
    if not draft.resolves or not _is_whole(answers, content):
        return None
    rest = _rest(content.element, most - 1)
    if rest is None:
        return None
    draft.note("paginated", content.path, f"{most - 1} of {len(answers)} options")
    more = draft.copy.more
    return [*answers[: most - 1], Control("more", more, more, content.path, opens=rest.to_hsl())]


def _is_whole(answers: Sequence[Control], content: Content) -> bool:
    # Only where all controls are options can the rest of the element be the next page.
    return len(answers) == len(content.controls)


def _rest(element: hsl.Element, start: int) -> hsl.Text | hsl.Button | None:
    if isinstance(element, hsl.Text):
        return hsl.Text(element.text, element.quick_replies[start:])
    if isinstance(element, hsl.Button):
        return hsl.Button(element.text, element.items[start:])
    return None
