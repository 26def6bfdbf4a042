"""What an element of HSL becomes on one channel of Rasa, and what it loses there.

    conversion = render(Text("Anything else?", [Actionable.reply("No, thanks")]), tracker.get_latest_input_channel())
    for message in conversion.messages:
        dispatcher.utter_message(**message)

Pure and deterministic; never raises on a valid element. No reply and no link disappears: where a channel has no native
form, it becomes a line of the text, and a note says so.
"""

from haptik_actions.render._channels import render
from haptik_actions.render._conversion import Conversion, Message, Note, NoteCode

__all__ = ["Conversion", "Message", "Note", "NoteCode", "render"]
