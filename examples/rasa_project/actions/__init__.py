"""The bot's custom actions. The action server imports this package and registers every action it finds."""

from haptik_actions.actions import ActionHaptikHandoff

__all__ = ["ActionHaptikHandoff"]
