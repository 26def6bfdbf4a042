"""Files that users send to agents: which kinds the platform takes, and how large they may be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec

from haptik_actions.client._call import text
from haptik_actions.errors import ConfigurationError

__all__ = ["MAX_FILE_BYTES", "FileKind", "UserFile", "file_kind", "load_file"]

FileKind = Literal["image", "document"]

MAX_FILE_BYTES = 10_000_000
"""The platform takes files of up to 10 MB; whether it counts thousands or 1,024s is not documented, so thousands."""

_TYPES: Mapping[FileKind, Mapping[str, str]] = {
    "image": {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif"},
    "document": {
        "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "pdf": "application/pdf",
        "xls": "application/vnd.ms-excel",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv": "text/csv",
    },
}
"""Kind -> ending of the name -> content type. The endings are those of `log_file_from_user`'s documentation."""


class UserFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that can be sent: its kind, its name without folders, and its bytes."""

    kind: FileKind
    name: str
    content: bytes

    @property
    def content_type(self) -> str:
        """The content type that belongs to the ending of the name."""
        return _TYPES[self.kind][_ending(self.name)]


def file_kind(name: str) -> FileKind | None:
    """Return the kind under which the platform takes a file of this name, or None where it takes none such."""
    return next((kind for kind, types in _TYPES.items() if _ending(name) in types), None)


def load_file(*, kind: Any, name: Any, content: bytes | str | os.PathLike[str]) -> UserFile:
    """Return the file, read from disk where `content` is a path.

    Raises:
        ConfigurationError: the kind or the ending is not one that the platform takes, or the file is empty, larger
            than `MAX_FILE_BYTES`, or cannot be read.
    """
    if kind not in _TYPES:
        raise ConfigurationError(f"kind must be one of {', '.join(_TYPES)}.")
    # Some systems give the name with its folders, Windows with backslashes. The platform wants the name alone.
    alone = PurePosixPath(text("name", name).replace("\\", "/")).name
    if _ending(alone) not in _TYPES[kind]:
        raise ConfigurationError(
            f"Of the kind {kind} the platform takes files that end in {', '.join(_TYPES[kind])}; this name does not."
        )
    return UserFile(kind=kind, name=alone, content=_sized(_read(content)))


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.removeprefix(".").lower()


def _read(content: object) -> bytes:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if not isinstance(content, (str, os.PathLike)):
        raise ConfigurationError("content must be bytes, or the path of a file.")
    try:
        with Path(content).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The file cannot be read: {getattr(error, 'strerror', error)}.") from error


def _sized(content: bytes) -> bytes:
    if not content:
        raise ConfigurationError("The file is empty.")
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(f"The file is larger than the {MAX_FILE_BYTES // 1_000_000} MB that Haptik takes.")
    return content
