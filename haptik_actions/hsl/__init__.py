"""HSL (Haptik Specific Language): the elements that the platform shows, as frozen values.

    Text("Shall I get you a colleague?", [Actionable.reply("Yes"), Actionable.reply("No")]).to_hsl()

Each value is checked where it is built; `to_hsl()` gives the JSON that the platform documents. Nothing here does I/O.
"""

from haptik_actions.hsl._actionable import Actionable, ActionableType, ActionableUri
from haptik_actions.hsl._braces import strip_braces
from haptik_actions.hsl._elements import Button, Element, Text

__all__ = ["Actionable", "ActionableType", "ActionableUri", "Button", "Element", "Text", "strip_braces"]
