"""What an element of HSL becomes on one channel of Rasa, what it loses there, and what can be answered.

    conversion = render(Text("Anything else?", [Actionable.reply("No, thanks")]), tracker.get_latest_input_channel())
    for message in conversion.messages:
        dispatcher.utter_message(**message)

Pure and deterministic; never raises on a valid element unless `strict` asks for it. No control disappears: where a
channel has no native form, it becomes a list, a page with "More" or a line of the text, and a note says so. What each
channel can show is data: `CHANNELS`.
"""

from haptik_actions.render._conversion import LOSSES, Conversion, Copy, Message, Note, NoteCode, Offer, OfferKind
from haptik_actions.render._limits import Channel, Limit, Unit
from haptik_actions.render._render import ALIASES, CHANNELS, channel_of, render

__all__ = [
    "ALIASES",
    "CHANNELS",
    "LOSSES",
    "Channel",
    "Conversion",
    "Copy",
    "Limit",
    "Message",
    "Note",
    "NoteCode",
    "Offer",
    "OfferKind",
    "Unit",
    "channel_of",
    "render",
]
