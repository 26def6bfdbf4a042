"""`haptik-actions hsl form-to-domain`: what a FORM needs in the domain and the rules of a Rasa bot."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from haptik_actions.cli._console import name_of, text_of
from haptik_actions.errors import ConfigurationError

__all__ = ["command"]


@click.command("form-to-domain")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--name", help="The form's name in Rasa. Without it: the file's name, with _form behind it.")
@click.option(
    "--confirm/--no-confirm", default=None, help="Ask at the end whether all is right (default: from 3 fields)."
)
@click.option(
    "--not-intent", "not_intents", multiple=True, help="An intent that is no answer. May be given repeatedly."
)
@click.option("--start-intent", help="Print rules in place of the domain: this intent starts the form.")
@click.option("--submit-action", help="With --start-intent: the action that runs when the form is complete.")
def command(
    file: Path,
    name: str | None,
    confirm: bool | None,
    not_intents: Sequence[str],
    start_intent: str | None,
    submit_action: str | None,
) -> None:
    """Print what Rasa's domain needs for a FORM, as YAML.

    Slots, the form, its actions; or, with --start-intent, the rules around it.

    FILE holds the FORM as JSON, - is standard input. The action server needs a class for it, see docs/forms.md.

    \b
    haptik-actions hsl form-to-domain visit.json > domain/visit_form.yml
    haptik-actions hsl form-to-domain visit.json --start-intent book
    """
    from haptik_actions.forms import FormSpec, form_to_domain, form_to_rules

    spec = FormSpec.read(name or _name_of(file), _read(file), confirm=confirm)
    if (start_intent is None) != (submit_action is None):
        raise click.UsageError("--start-intent and --submit-action go together.")
    if start_intent and submit_action:
        _print(form_to_rules(spec, start_intent=start_intent, submit_action=submit_action))
    else:
        _print(form_to_domain(spec, not_intents=not_intents))


def _read(file: Path) -> Any:
    from haptik_actions.hsl import parse

    try:
        element = json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{name_of(file)} is not JSON: {error}.") from error
    if not isinstance(element, dict):
        raise ConfigurationError(
            f"{name_of(file)} holds no FORM but {type(element).__name__}. Write one FORM as an object."
        )
    return parse(element)


def _name_of(file: Path) -> str:
    stem = "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem.lower()).strip("_") or "haptik"
    return stem if stem.endswith("form") else f"{stem}_form"


def _print(document: dict[str, Any]) -> None:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 120
    yaml.dump(document, sys.stdout)
