"""`haptik-actions hsl`: what elements lose on which channel, what is sent there, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli import form_to_domain
from haptik_actions.cli._console import echo_json, name_of, printable
from haptik_actions.cli._elements import FILES, channels_option, elements_in, values_in
from haptik_actions.cli._group import Group

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


command.add_command(form_to_domain.command)


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
