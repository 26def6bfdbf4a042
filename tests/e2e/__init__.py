"""The example bot on real Rasa, talked to over HTTP as users and agents' tools do."""
