"""A bot's actions as anybody writes them. The package says where the credentials come from, if the plugin is there."""

import os

if "BENCH_WITH_PLUGIN" in os.environ:
    import runtime

    __all__ = ["runtime"]
