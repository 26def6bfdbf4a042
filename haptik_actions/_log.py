r"""The library's loggers: each record is one line that nobody outside can forge, and no handler's error comes back.

    logger = get_logger(__name__)

Much of what is logged was written by others: a conversation's id, what Haptik answered, the text of an exception. A
line break in it would begin a line of the log that looks like the server's own. So control characters are written as
escapes (`\n`, `\x1b`), also in the texts of exceptions, and every line of a traceback is indented.

The template of a record stays as it is and its arguments stay apart, so that tools that group by template still do.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import traceback
from collections.abc import Mapping
from typing import Any

__all__ = ["get_logger", "one_line"]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = (int, float, type(None))
_INDENT = "  "
_FRAME = '  File "'


def get_logger(name: str) -> logging.Logger:
    """Return the logger of that name, made safe. Level, handlers and class that it has already are kept."""
    logger = logging.getLogger(name)
    if not isinstance(logger, _OwnLines):
        # Only methods are added, so that an object made before can take the class.
        kind: object = type(logger)
        logger.__class__ = _safe(kind)
    return logger


def one_line(text: str) -> str:
    r"""Return `text` with control characters and line breaks as escapes (`\n`, `\x1b`)."""
    return _CONTROL.sub(_escaped, text)


class _OwnLines(logging.Logger):
    """Makes the records of its logger safe, and hands them out whatever the handlers do."""

    def makeRecord(self, *arguments: Any, **options: Any) -> logging.LogRecord:
        """Return the record with its arguments and its traceback in lines of their own."""
        record = super().makeRecord(*arguments, **options)
        record.msg = one_line(str(record.msg))
        if record.args:
            record.args = _shown_all(record.args)
        if record.exc_info and record.exc_info[1] is not None:
            # Formatters take it from here, and make one of their own where there is none.
            record.exc_text = _trace(record.exc_info[1])
        return record

    def callHandlers(self, record: logging.LogRecord) -> None:
        """Give the record to every handler; one that raises keeps it neither from the others nor from its caller."""
        found = False
        logger: logging.Logger | None = self
        while logger is not None:
            for handler in logger.handlers:
                found = True
                if record.levelno >= handler.level:
                    _hand_to(handler, record)
            logger = logger.parent if logger.propagate else None
        if not found and logging.lastResort is not None and record.levelno >= logging.lastResort.level:
            _hand_to(logging.lastResort, record)


@functools.cache
def _safe(kind: Any) -> type[logging.Logger]:
    return type(kind.__name__, (_OwnLines, kind), {})


def _hand_to(handler: logging.Handler, record: logging.LogRecord) -> None:
    try:
        handler.handle(record)
    # What a log cannot take must not cost a user the answer. It says so itself, as logging's own handlers do.
    except Exception:  # noqa: BLE001
        _complain(handler, record)


def _complain(handler: logging.Handler, record: logging.LogRecord) -> None:
    # Behind it there is nobody left to tell.
    with contextlib.suppress(Exception):
        handler.handleError(record)


def _shown_all(arguments: Any) -> Any:
    if isinstance(arguments, Mapping):
        return {name: _shown(value) for name, value in arguments.items()}
    return tuple(_shown(value) for value in arguments)


def _shown(value: object) -> Any:
    if isinstance(value, _PLAIN):
        return value
    try:
        return one_line(str(value))
    # An exception of an integration's may raise when it is asked for its text.
    except Exception:  # noqa: BLE001
        return f"<{type(value).__name__} that cannot be shown>"


def _trace(error: BaseException) -> str:
    try:
        pieces = [*traceback.TracebackException.from_exception(error, compact=True).format()]
    except Exception:  # noqa: BLE001
        pieces = [f"{type(error).__name__}, whose traceback cannot be shown"]
    return "\n".join(_INDENT + line for piece in pieces for line in _lines(piece))


def _lines(piece: str) -> list[str]:
    """Return the lines of a piece of a traceback. Python's own words have several; an exception's have one."""
    text = piece.rstrip("\n")
    if text.lstrip(" |").startswith(_FRAME.strip()) or text.startswith("\n"):
        return [one_line(line) for line in text.split("\n")]
    return [one_line(text)]


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
