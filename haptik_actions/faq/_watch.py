"""Waiting until a source has changed, and has been left alone for a moment. Needs watchfiles (extra `faq`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from watchfiles import Change

__all__ = ["watch"]

_LONGEST_BURST_SECONDS = 60


async def watch(path: str | Path, *, settle: float = 2.0) -> AsyncIterator[None]:
    """Yield at once, then for each burst of changes at or below `path` that `settle` seconds without one have followed.

    What changes while the caller works on one is not missed.

    A burst that does not end is cut after a minute. Programs that replace a file by another are seen, because its
    folder is watched; so is a file that is not there yet.

    Raises:
        ConfigurationError: watchfiles is not installed, or the folder does not exist.
    """
    try:
        from watchfiles import awatch
    except ImportError:
        raise ConfigurationError('Watching needs the package watchfiles: pip install "haptik-actions[faq]"') from None
    folder, counts = _what_counts(Path(path))
    bursts = awatch(folder, watch_filter=counts, step=round(settle * 1000), debounce=_LONGEST_BURST_SECONDS * 1000)
    # The watcher is set up by the first step of its generator, which has to come before the caller reads the source.
    burst = asyncio.ensure_future(bursts.__anext__())
    await asyncio.sleep(0)
    try:
        while True:
            yield
            await burst
            burst = asyncio.ensure_future(bursts.__anext__())
    finally:
        burst.cancel()


def _what_counts(path: Path) -> tuple[Path, Callable[[Change, str], bool]]:
    path = path.absolute()
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} does not exist.")

    def inside(_: Change, changed: str) -> bool:
        return not any(part.startswith(".") for part in Path(changed).relative_to(folder).parts)

    def itself(_: Change, changed: str) -> bool:
        return Path(changed) == path

    return folder, inside if folder == path else itself
