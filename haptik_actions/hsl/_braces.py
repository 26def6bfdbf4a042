"""Brace groups: what a message of HSL carries for the platform and the user never sees.

`Know more{api_name: plan, plan_id: 42}{task}` shows as `Know more` (Haptik's documentation, "Integration parameters").
"""

from __future__ import annotations


def strip_braces(message: str) -> str:
    """The message as the user sees it: without its `{...}` groups and without space around it.

    A brace without a partner is text and stays. Do not pass Rasa's `/intent{"order": 1}`: it is no message of HSL.
    """
    if "{" not in message:
        return message.strip()
    shown: list[str] = []
    opened: list[int] = []
    for character in message:
        if character == "}" and opened:
            del shown[opened.pop() :]
            continue
        if character == "{":
            opened.append(len(shown))
        shown.append(character)
    return "".join(shown).strip()
