"""The fallback that haptik-actions brings."""

import runtime

from haptik_actions.actions import ActionHaptikDefaultFallback

__all__ = ["ActionHaptikDefaultFallback", "runtime"]
