"""The settings of Rasa's process: the same file that Rasa itself was started with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from haptik_actions.config import Settings

__all__ = ["endpoints_file", "read_settings"]

_ENDPOINTS = "endpoints.yml"
_OPTION = "--endpoints"


def read_settings() -> Settings:
    """Read them anew, from the environment and from section `haptik:` of the file.

    Raises:
        ConfigurationError: a value cannot work.
    """
    return Settings.load(endpoints=endpoints_file(sys.argv, os.environ), tolerant=True)


def endpoints_file(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the file that HAPTIK_ENDPOINTS or `rasa run --endpoints` names, else that in the working directory."""
    named = environ.get("HAPTIK_ENDPOINTS")
    if named:
        return named
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == _OPTION and following:
            return following
        if word.startswith(f"{_OPTION}="):
            return word.partition("=")[2] or _ENDPOINTS
    return _ENDPOINTS
