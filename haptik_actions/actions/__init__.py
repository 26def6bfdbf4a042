"""Guards for the custom actions of a Rasa bot. The only package that imports rasa_sdk; importing it registers nothing.

class ActionOrderStatus(Action):
    def name(self): return "action_order_status"

    @escalate_on_error
    async def run(self, dispatcher, tracker, domain): ...
"""

from haptik_actions.actions._base import IntegrationAction
from haptik_actions.actions._guard import escalate_on_error
from haptik_actions.actions._runtime import Runtime, configure

__all__ = ["IntegrationAction", "Runtime", "configure", "escalate_on_error"]
