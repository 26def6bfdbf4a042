"""Python with a name that is another one in rasa-sdk or Sanic, everywhere, as a newer version of theirs would have it.

    RENAMED=_sync_states:sanic PYTHONPATH=<a folder with this file as sitecustomize.py> python -m rasa_sdk …

`__kwdefaults__` is no name of theirs: there, the methods that have it are wrapped by a function without.
"""

from __future__ import annotations

import importlib.machinery
import os
import re
import sys
from typing import Any

NAME, _, WHERE = os.environ["RENAMED"].partition(":")
PACKAGES = tuple(WHERE.split(","))
WRAPPED = """
def _wrapped(method):
    return lambda *arguments, **options: method(*arguments, **options)

StartupMixin.run, StartupMixin.prepare = _wrapped(StartupMixin.run), _wrapped(StartupMixin.prepare)
"""


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module's source with the name replaced, and looks into no cache."""

    def get_code(self, fullname: str) -> Any:
        source = self.get_data(self.path).decode("utf-8")
        source = re.sub(rf"\b{NAME}\b", f"{NAME}_of_tomorrow", source)
        if NAME == "__kwdefaults__" and fullname == "sanic.mixins.startup":
            source += WRAPPED
        return self.source_to_code(source.encode(), self.path)


class Finder:
    """Finds what lies below the packages."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] not in PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = Loader(fullname, spec.origin or "")
        return spec


sys.meta_path.insert(0, Finder)
