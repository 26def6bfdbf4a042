"""Reading `multipart/form-data`."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

__all__ = ["FormPart", "read_form"]


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a form: its bytes, and the name of the file where it is one."""

    content: bytes
    file_name: str | None = None


def read_form(content_type: str, body: bytes) -> dict[str, FormPart] | None:
    """Return the parts by name, of equal names the last; None where the body is no form or not a whole one."""
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        return None
    parts: dict[str, FormPart] = {}
    files: list[File] = []

    def on_field(field: Field) -> None:
        parts[_text(field.field_name)] = FormPart(field.value or b"")

    def on_file(file: File) -> None:
        files.append(file)
        file.file_object.seek(0)
        parts[_text(file.field_name)] = FormPart(file.file_object.read(), _text(file.file_name))

    try:
        parse_form({"Content-Type": content_type.encode("latin-1")}, BytesIO(body), on_field, on_file)
    except FormParserError:
        return None
    finally:
        # Closed only now, because the parser uses each file once more at the end.
        for file in files:
            file.close()
    return parts


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
