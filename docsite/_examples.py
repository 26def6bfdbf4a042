"""The examples of production, held against the schemas of Compose and of Kubernetes (extra `docs`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["wrong_examples"]

_VERSION = "1.33"


def wrong_examples(folder: Path) -> list[str]:
    """Return a line for each file that the schemas refuse.

    Raises:
        ModuleNotFoundError: the extra `docs` is not installed.
    """
    return [*_compose(folder / "compose" / "compose.yaml"), *_kubernetes(folder / "kubernetes")]


def _compose(file: Path) -> list[str]:
    import yaml
    from compose_spec import PyCompose

    # `<<` is YAML's matter, and Compose's own reader resolves it too.
    merged = yaml.safe_dump(yaml.safe_load(file.read_text(encoding="utf-8")))
    try:
        PyCompose.from_yaml(merged)
    except ValueError as error:
        return [f"{file}: {error}"]
    return []


def _kubernetes(folder: Path) -> list[str]:
    import kubernetes_validate
    import yaml

    wrong = []
    for file in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if document["apiVersion"].startswith("kustomize"):
                continue
            try:
                kubernetes_validate.validate(document, _VERSION, strict=True)
            except kubernetes_validate.ValidationError as error:
                wrong.append(f"{file}: {_name(document)}: {error.message}")
    return wrong


def _name(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"
