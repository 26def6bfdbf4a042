"""`messages serve-nlg`: Rasa's NLG endpoint, where no studio runs."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path

import click

from haptik_actions._loopback import is_loopback
from haptik_actions.cli._connect import load_settings
from haptik_actions.cli._console import run_until_signal
from haptik_actions.errors import ConfigurationError

__all__ = ["serve_nlg"]


@click.command("serve-nlg")
@click.option("--port", type=click.IntRange(0, 65535), default=5056, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address than loopback needs a token.")
@click.option(
    "--domain",
    type=click.Path(exists=True, path_type=Path),
    help="Its responses answer where Redis has nothing, or is down and nothing was read yet.",
)
@click.option("--locale", metavar="TAG", help="The language of the domain; HAPTIK_LOCALE, or else en, if left out.")
@click.option("--token", envvar="HAPTIK_NLG_TOKEN", help="What Rasa has to send. Better set HAPTIK_NLG_TOKEN.")
def serve_nlg(port: int, host: str, domain: Path | None, locale: str | None, token: str | None) -> None:
    """Answer Rasa's NLG calls from the message store, until Ctrl-C.

    The studio answers them too. Run one of the two, beside Rasa.

    \b
    haptik-actions messages serve-nlg --domain domain/
    In endpoints.yml:  nlg: {url: "http://localhost:5056"}
    """
    # The endpoint is plain ASGI: the server below it is all that the extra brings here.
    if find_spec("uvicorn") is None:
        raise ConfigurationError('The NLG endpoint needs the package uvicorn: pip install "haptik-actions[sandbox]"')
    if not is_loopback(host) and not token:
        raise click.UsageError(f"On {host} everybody could read the bot's copy. Set --token or HAPTIK_NLG_TOKEN.")
    run_until_signal(_serve(port, host, domain, locale, token))


async def _serve(port: int, host: str, domain: Path | None, named: str | None, token: str | None) -> None:
    from haptik_actions._connections import ConnectionLimits
    from haptik_actions._serving import serve_app
    from haptik_actions.messages import PACKAGED_LOCALE, MessageStore, read_domain
    from haptik_actions.nlg import nlg_app

    settings = load_settings()
    locale = named or settings.locale or PACKAGED_LOCALE
    defaults = {locale: read_domain(domain).values} if domain else None
    store = MessageStore.from_url(
        settings.redis_url, defaults=defaults, locale=locale, snapshot=settings.messages_snapshot
    )
    store.start()
    limits = ConnectionLimits.of_this_process()
    try:
        async with serve_app(nlg_app(store, token=token, is_local=not token), port, host=host, limits=limits) as url:
            click.echo(f"The NLG endpoint answers on {url}")
            await asyncio.Event().wait()
    finally:
        await store.aclose()
