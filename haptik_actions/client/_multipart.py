"""Forms with a file in them (`multipart/form-data`), as httpx writes them."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

__all__ = ["encode_form"]


def encode_form(
    fields: Mapping[str, str | int], *, field: str, name: str, content: bytes, content_type: str
) -> tuple[bytes, str]:
    """Return the body and its content type: `fields`, and under the name `field` a file called `name`."""
    form = httpx.Request("POST", "https://form.example", data=fields, files={field: (name, content, content_type)})
    return form.read(), form.headers["content-type"]
