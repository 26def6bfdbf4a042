"""The bot's custom actions. The action server imports this package and registers every action it finds."""
