"""`haptik-actions hsl`: what elements lose on which channel, what is sent there, and how it looks.

`form-to-domain` prints what a FORM needs in the domain and the rules of a Rasa bot.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._console import Group, echo_json, name_of, printable, text_of
from haptik_actions.cli._elements import FILES, channels_option, elements_in, values_in
from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from haptik_actions.render import Note

__all__ = ["command"]

CHANNELS = click.option(
    "--channels",
    multiple=True,
    callback=channels_option,
    show_default="all",
    metavar="NAMES",
    help="Names of channels in Rasa, separated by commas.",
)


@click.group(cls=Group)
def command() -> None:
    """Check, convert and show elements of HSL.

    FILES hold JSON: one element, a list of them, or one on each line; `-` is standard input. A string is a TEXT.

    \b
    haptik-actions hsl lint elements/*.json --channels facebook,whatsapp
    haptik-actions hsl render --channel facebook order.json
    haptik-actions hsl preview order.json -o order.html
    haptik-actions hsl form-to-domain visit.json
    """


@command.command()
@FILES
@CHANNELS
@click.option("--all", "everything", is_flag=True, help="Also say what is kept in another form.")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True)
@click.option("--fail-on", type=click.Choice(["loss", "invalid"]), default="loss", show_default=True)
@click.pass_context
def lint(
    context: click.Context,
    files: Sequence[Path],
    channels: tuple[str, ...],
    everything: bool,
    form: str,
    fail_on: str,
) -> None:
    """Say what each element loses on which channel.

    Exit status: 0 nothing is lost; 1 something is, or an element is invalid; 2 a file cannot be read. With
    `--fail-on invalid` a loss is said and does not fail.

    \b
    haptik-actions hsl lint elements/*.json --channels facebook,whatsapp
    haptik-actions hsl lint elements/*.json --all --format json
    haptik-actions hsl lint elements/*.json --format sarif > hsl.sarif
    """
    from haptik_actions.cli import _lint

    report = _lint.check(values_in(files), channels or _lint.all_channels(), everything=everything)
    refused = bool(report.invalid or (report.lost and fail_on == "loss"))
    if form == "text":
        for line in report.lines():
            click.echo(printable(line))
    else:
        echo_json(report.as_json() if form == "json" else report.as_sarif(refused=refused), indent=2)
    if refused:
        context.exit(1)


@command.command("render")
@FILES
@click.option("--channel", required=True, callback=lambda c, p, name: channels_option(c, p, [name])[0])
@click.option("--strict", is_flag=True, help="Refuse an element that would lose something.")
def render_command(files: Sequence[Path], channel: str, strict: bool) -> None:
    """Print what is sent on a channel, as JSON.

    An array of the arguments of `dispatcher.utter_message`, message by message. What was changed is said on
    standard error.

    \b
    haptik-actions hsl render --channel facebook order.json
    """
    from haptik_actions.render import render

    messages: list[dict[str, Any]] = []
    for element in elements_in(files):
        conversion = render(element, channel, strict=strict)
        messages += conversion.messages
        for note in conversion.notes:
            click.echo(printable(_line(note)), err=True)
    echo_json(messages, indent=2)


def _line(note: Note) -> str:
    return f"{note.path}: {note.code}: {note.detail}"


@command.command()
@FILES
@CHANNELS
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), show_default="preview.html")
def preview(files: Sequence[Path], channels: tuple[str, ...], output: Path | None) -> None:
    """Write an HTML page with every element on every channel.

    The page is one file and loads nothing; pictures are named and not shown. `-o -` prints it.

    \b
    haptik-actions hsl preview order.json -o order.html
    haptik-actions hsl preview elements.jsonl --channels haptik,facebook,whatsapp
    """
    from haptik_actions.preview import PREVIEWED, preview_page

    names = ", ".join(Path(name_of(file)).name for file in files)
    page = preview_page(elements_in(files), channels or PREVIEWED, title=names)
    target = output or Path("preview.html")
    if str(target) == "-":
        click.echo(page)
        return
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}. Pass another path to -o.") from error
    click.echo(str(target))


@command.command("form-to-domain")
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
def form_to_domain(
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
    from haptik_actions import forms

    spec = forms.FormSpec.read(name or _name_of(file), _read(file), confirm=confirm)
    if (start_intent is None) != (submit_action is None):
        raise click.UsageError("--start-intent and --submit-action go together.")
    if start_intent and submit_action:
        _print(forms.form_to_rules(spec, start_intent=start_intent, submit_action=submit_action))
    else:
        _print(forms.form_to_domain(spec, not_intents=not_intents))


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
