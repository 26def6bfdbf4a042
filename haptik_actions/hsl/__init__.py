"""HSL (Haptik Specific Language): the elements that the platform shows, as frozen values.

    Text("Shall I get you a colleague?", [Actionable.reply("Yes"), Actionable.reply("No")]).to_hsl()

Each value is checked where it is built; `to_hsl()` gives the JSON that the platform documents; `parse` reads it back,
more tolerantly than it is built, and keeps what it does not know. Nothing here does I/O.
"""

from haptik_actions.hsl._actionable import Actionable, ActionableType, ActionableUri, strip_braces
from haptik_actions.hsl._bubbles import Button, Text
from haptik_actions.hsl._carousel import Card, CardWidth, Carousel, Image
from haptik_actions.hsl._form import FieldType, Form, FormField, KeyboardType
from haptik_actions.hsl._parse import Element, Unknown, parse, parse_actionable
from haptik_actions.hsl._receipt import Receipt, ReceiptFact, ReceiptItem
from haptik_actions.hsl._signals import NativeAction, Silent, SilentAction, System, SystemEvent
from haptik_actions.hsl._tab_list import Tab, TabItem, TabList, TabSelection

__all__ = [
    "Actionable",
    "ActionableType",
    "ActionableUri",
    "Button",
    "Card",
    "CardWidth",
    "Carousel",
    "Element",
    "FieldType",
    "Form",
    "FormField",
    "Image",
    "KeyboardType",
    "NativeAction",
    "Receipt",
    "ReceiptFact",
    "ReceiptItem",
    "Silent",
    "SilentAction",
    "System",
    "SystemEvent",
    "Tab",
    "TabItem",
    "TabList",
    "TabSelection",
    "Text",
    "Unknown",
    "parse",
    "parse_actionable",
    "strip_braces",
]
