"""FORM collected in the conversation: field by field, in the user's own words, for channels that cannot show a form.

Pure: no rasa_sdk, no clock, no network but the search service's. `haptik_actions.actions.HaptikForm` runs it in Rasa.
"""

from haptik_actions.forms._flow import answer
from haptik_actions.forms._locale import FormWords, read_words, require_calendars
from haptik_actions.forms._question import Chip, Question, Say, State, ask
from haptik_actions.forms._read import SKIPPED, read_answer, show, wire
from haptik_actions.forms._search import check_source, search_titles
from haptik_actions.forms._situation import Address, Doubt, Invalid, Outcome, Search, Situation, Valid
from haptik_actions.forms._spec import FieldSpec, FormSpec, Rules, form_to_domain, form_to_rules
from haptik_actions.forms._turn import Turn, asking, begin, take

__all__ = [
    "SKIPPED",
    "Address",
    "Chip",
    "Doubt",
    "FieldSpec",
    "FormSpec",
    "FormWords",
    "Invalid",
    "Outcome",
    "Question",
    "Rules",
    "Say",
    "Search",
    "Situation",
    "State",
    "Turn",
    "Valid",
    "answer",
    "ask",
    "asking",
    "begin",
    "check_source",
    "form_to_domain",
    "form_to_rules",
    "read_answer",
    "read_words",
    "require_calendars",
    "search_titles",
    "show",
    "take",
    "wire",
]
