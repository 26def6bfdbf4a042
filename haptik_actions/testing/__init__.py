"""Help for your own tests: a sandbox of the platform as pytest fixtures, and actions that talk to it.

    async def test_the_chat_moves_to_an_agent(haptik_sandbox):
        async with actions_on(haptik_sandbox):
            ...                                                       # run your action
        haptik_sandbox.assert_called("send_chat_to_agent", times=1, team_name="orders")

The fixtures `haptik_sandbox` and `haptik_sandbox_server` come with the package, as a plugin that pytest finds by
itself; it costs nothing until a test asks for one of them, and needs the extra `sandbox` then. `docs/testing.md` shows
both.
"""

from __future__ import annotations

from haptik_actions.testing._action_server import SandboxServer, actions_on, serve_in_thread, settings_for

__all__ = ["SandboxServer", "actions_on", "serve_in_thread", "settings_for"]
