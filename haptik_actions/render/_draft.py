"""A conversion while it is being made: the messages so far, the notes, and the answers that they offer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from haptik_actions import hsl
from haptik_actions._from_outside import JsonObject
from haptik_actions.render._content import Content, Control
from haptik_actions.render._conversion import Conversion, Copy, Message, Note, NoteCode, Offer
from haptik_actions.render._limits import Limit, clip


class Draft:
    """What a renderer writes into.

    Args:
        copy: The words to add.
        resolves: Whether the caller resolves answers by the conversion's `replies`.
        notes: What the reading of the element changed.
    """

    __slots__ = ("_last_number", "_sent", "copy", "messages", "notes", "offers", "resolves")

    def __init__(self, copy: Copy, resolves: bool, notes: Iterable[Note] = ()) -> None:
        self.copy = copy
        self.resolves = resolves
        self.messages: list[Message] = []
        self.notes = list(notes)
        self.offers: list[Offer] = []
        self._last_number = 0
        self._sent: set[str] = set()

    def finished(self) -> Conversion:
        """Return the finished conversion."""
        return Conversion(tuple(self.messages), tuple(self.notes), tuple(self.offers))

    def say(self, text: str) -> None:
        """Add a bubble of text."""
        self.messages.append({"text": text})

    def custom(self, message: JsonObject) -> None:
        """Add a message in the platform's own JSON."""
        self.messages.append({"json_message": message})

    def note(self, code: NoteCode, path: str, detail: str) -> None:
        """Add a note."""
        self.notes.append(Note(code, path, detail))

    def cut(self, path: str, shown: str, limit: Limit) -> None:
        """Note that words were cut to `shown`."""
        self.note("truncated", path, f"{shown} (at most {limit.size} {limit.unit})")

    def next_number(self) -> int:
        """The next number for an option of this conversion, from 1 on."""
        self._last_number += 1
        return self._last_number

    def tap(self, control: Control, shown: str, limit: Limit | None = None, number: int | None = None) -> str:
        """Offer an answer on a control that can be tapped.

        Returns:
            What the channel should send for it: the payload, or what stands for one that is over the `limit`.
        """
        sent = control.value
        if limit is not None and not limit.fits(sent):
            sent = self._stand_in(control, limit)
        self._offer(control, shown, number, sent)
        return sent

    def tap_of_title(self, control: Control, shown: str, number: int | None = None) -> None:
        """Offer an answer on a control whose tap sends the words on it."""
        self._offer(control, shown, number, shown)

    def tap_once(self, control: Control, shown: str, limit: Limit, taken: set[str]) -> str:
        """As `tap`, for channels that refuse two equal payloads in one message. `taken` are those used in it so far."""
        sent = control.value
        if sent in taken or not limit.fits(sent):
            sent = self._stand_in(control, limit)
            if sent in taken:
                sent = short_id(control)
        taken.add(sent)
        self._offer(control, shown, None, sent)
        return sent

    def line(self, control: Control) -> str:
        """Offer an answer as a numbered line of text."""
        number = self.next_number()
        self._offer(control, control.label, number, None)
        return f"{number}. {control.label}"

    def hear(self, control: Control, shown: str = "") -> None:
        """Offer an answer that is said, or given by other means than a message, such as a location."""
        self._offer(control, shown or control.label, None, None)

    def _offer(self, control: Control, shown: str, number: int | None, sent: str | None) -> None:
        if sent is not None:
            self._sent.add(sent)
        self.offers.append(
            Offer(
                control.kind,  # type: ignore[arg-type]  # a link or a number is never offered
                control.label,
                control.value,
                control.path,
                shown,
                number,
                sent,
                dict(control.meta),
                control.opens,
            )
        )

    def _stand_in(self, control: Control, limit: Limit) -> str:
        self.note("shortened_payload", f"{control.path}.payload", f"{limit.measure(control.value)} {limit.unit}")
        # A bot without a resolver understands the label best. Only labels that are too long or sent already get an id.
        if limit.fits(control.label) and control.label not in self._sent:
            return control.label
        return short_id(control)


def short_id(control: Control) -> str:
    """An id for a control, the same in each conversion of its element: 17 characters of ASCII."""
    digest = blake2b(f"{control.path}\0{control.value}".encode("utf-8", "surrogatepass"), digest_size=8)
    return f"~{digest.hexdigest()}"


class Titles:
    """The labels of some controls. Where they are numbered, `lines` has the whole labels for the text above."""

    __slots__ = ("lines", "numbers", "shown")

    def __init__(self, shown: list[str], numbers: Sequence[int | None], lines: list[str]) -> None:
        self.shown = shown
        self.numbers = numbers
        self.lines = lines


def titles(controls: Sequence[Control], limit: Limit, draft: Draft, *, unique: bool = False) -> Titles:
    """Fit the labels of controls that stand side by side.

    Where cutting makes two of them equal, all are numbered, and `lines` has them whole. With `unique` this is also
    done where two were equal from the start. The same is done where a label alone does not say enough.
    """
    labels = [control.label for control in controls]
    for control in controls:
        if control.detail or control.section:
            draft.note("numbered", controls[0].path, f"{len(controls)} labels with more to say")
            return _counted(controls, limit, draft)
    if all(map(limit.fits, labels)) and not (unique and len(set(labels)) < len(labels)):
        return Titles(labels, [None] * len(labels), [])
    shown = [clip(label, limit) for label in labels]
    if len(set(shown)) < (len(labels) if unique else len(set(labels))):
        draft.note("numbered", controls[0].path, f"{len(controls)} labels that would look the same")
        return _counted(controls, limit, draft)
    for title, control in zip(shown, controls, strict=True):
        if title != control.label:
            draft.cut(f"{control.path}.actionable_text", title, limit)
    return Titles(shown, [None] * len(shown), [])


def _counted(controls: Sequence[Control], limit: Limit, draft: Draft) -> Titles:
    numbers = [draft.next_number() for _ in controls]
    numbered = [f"{number}. {control.label}" for number, control in zip(numbers, controls, strict=True)]
    return Titles([clip(line, limit) for line in numbered], numbers, with_details(controls, numbered))


def with_details(controls: Iterable[Control], written: Iterable[str]) -> list[str]:
    """A line for each control, with what its label does not say, below the heading that it stands under."""
    lines: list[str] = []
    section = ""
    for control, line in zip(controls, written, strict=True):
        if control.section != section:
            section = control.section
            lines.append(section)
        lines.append(f"{line} – {control.detail}" if control.detail else line)
    return lines


def told_apart(controls: Sequence[Control], draft: Draft) -> list[str]:
    """The labels of controls that stand side by side on buttons of any width.

    Rows of two tabs often have the same label, such as flights of two days. Labels that would look the same get their
    heading added, and their detail where the headings are equal too.
    """
    shown = [control.label for control in controls]
    # Only rows of a tab have a heading.
    if not controls or not controls[0].section or len(set(shown)) == len(shown):
        return shown
    for longer in (_under_heading, _in_full):
        seen = Counter(shown)
        shown = [longer(control) if seen[title] > 1 else title for control, title in zip(controls, shown, strict=True)]
    draft.note("replaced", controls[0].path, "labels that would look the same by those with their headings")
    return _with_ordinals(shown)


def _under_heading(control: Control) -> str:
    return " – ".join(filter(None, (control.section, control.label)))


def _in_full(control: Control) -> str:
    return " – ".join(filter(None, (control.section, control.label, control.detail)))


def _with_ordinals(shown: Sequence[str]) -> list[str]:
    """The labels, with `(2)` behind the second of two equal ones."""
    taken = set(shown)
    different: list[str] = []
    for title in shown:
        ordinal = 1
        other = title
        while other in different or (ordinal > 1 and other in taken):
            ordinal += 1
            other = f"{title} ({ordinal})"
        different.append(other)
    return different


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
