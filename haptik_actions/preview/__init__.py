"""How an element looks on each channel, as HTML: for `haptik-actions hsl preview`, and for pages that embed it.

    page = preview_page("Shall I get you a *colleague*?")
    fragment = preview_channel({"text": "Size?", "type": "TEXT", "data": {"quick_replies": []}}, "whatsapp")

What is drawn is what `haptik_actions.render` sends: the payload itself is read back. Everything is escaped; there are
no scripts, no inline styles, no addresses that a browser would load or follow. Needs Jinja, which the extra `sandbox`
has.
"""

from pathlib import Path

from haptik_actions.errors import ConfigurationError

try:
    import jinja2 as _jinja2  # noqa: F401
except ModuleNotFoundError as missing:
    raise ConfigurationError('The preview needs the package jinja2: pip install "haptik-actions[sandbox]"') from missing

from haptik_actions.preview._page import PREVIEWED, Content, preview_channel, preview_page

STYLESHEET = Path(__file__).parent / "static" / "preview.css"
"""The style sheet of a page that embeds `preview_channel`; all its rules are below the class `hsl-preview`."""

__all__ = ["PREVIEWED", "STYLESHEET", "Content", "preview_channel", "preview_page"]
