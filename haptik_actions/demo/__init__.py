"""What `haptik-actions demo` starts and plays: a sandbox, a Valkey, an orders service, a real action server, one page.

Needs the extra `sandbox`; importing without it raises `haptik_actions.errors.ConfigurationError`.
"""

# Imported first, because it names the extra where that is missing.
import haptik_actions.sandbox  # noqa: F401
from haptik_actions.demo._orders import OrdersService
from haptik_actions.demo._stack import Stack, start_stack
from haptik_actions.demo._story import Step, Story, play, tell_story
from haptik_actions.demo._strip import Happening

__all__ = ["Happening", "OrdersService", "Stack", "Step", "Story", "play", "start_stack", "tell_story"]
