"""The part of SARIF 2.1.0 that is written here, as a JSON schema. Written from the specification's sections 3.13, 3.14,
3.18 - 3.20, 3.27 - 3.30 and 3.49: what is required, which values there are, and nothing beside what is listed.
"""

from __future__ import annotations

from typing import Any


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_TEXT = {"type": "string", "minLength": 1}
_MESSAGE = _closed(["text"], text=_TEXT)
_LEVEL = {"enum": ["none", "note", "warning", "error"]}

_RULE = _closed(
    ["id"],
    id=_TEXT,
    name=_TEXT,
    shortDescription=_MESSAGE,
    help=_MESSAGE,
    defaultConfiguration=_closed([], level=_LEVEL),
)
_LOCATION = _closed(
    ["physicalLocation"],
    physicalLocation=_closed(
        ["artifactLocation"],
        artifactLocation=_closed(["uri"], uri={"type": "string", "format": "uri-reference"}),
        region=_closed(["startLine"], startLine={"type": "integer", "minimum": 1}),
    ),
)
_RESULT = _closed(
    ["message"],
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=_LEVEL,
    message=_MESSAGE,
    locations={"type": "array", "items": _LOCATION},
    properties={"type": "object"},
)
_RUN = _closed(
    ["tool"],
    tool=_closed(["driver"], driver=_closed(["name"], name=_TEXT, semanticVersion=_TEXT, rules={"items": _RULE})),
    invocations={
        "type": "array",
        "items": _closed(
            ["executionSuccessful"], executionSuccessful={"type": "boolean"}, exitCode={"type": "integer"}
        ),
    },
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": _RESULT},
)

SCHEMA = {
    **_closed(["version", "runs"], version={"const": "2.1.0"}, runs={"type": "array", "items": _RUN}),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
SCHEMA["properties"]["$schema"] = {"type": "string", "format": "uri"}
