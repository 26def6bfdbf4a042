"""The command line: `haptik-actions COMMAND`. One file per command, imported when it is needed.

These files import click and nothing heavy at their top: `haptik-actions --help` reads all of them.
"""

from __future__ import annotations

import click

from haptik_actions._version import __version__
from haptik_actions.cli._console import CommandGroup, let_every_text_be_printed

__all__ = ["main"]

_COMMANDS = (
    "breakers",
    "check",
    "demo",
    "faq",
    "handoff",
    "hsl",
    "messages",
    "outbox",
    "resume",
    "run",
    "sandbox",
    "studio",
    "transcript",
)


@click.group(cls=CommandGroup, files=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="haptik-actions")
def main() -> None:
    """Move chats of a Rasa bot to human agents on Haptik when an integration fails.

    Exit status: 0 done; 1 the call was refused or failed; 2 an option or a setting cannot work, nothing was sent.
    """
    let_every_text_be_printed()
