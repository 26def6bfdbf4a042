"""The documentation as a site: pages written from the code, links between them, and the check of what was built.

    python -m docsite write FOLDER     # the Markdown of all pages and zensical.toml, ready to be built
    python -m docsite check FOLDER     # looks at the built HTML: every link and every picture leads somewhere
    python -m docsite examples FOLDER  # the examples of production against the schemas of Compose and Kubernetes

The first fails where something public is not documented. Only the standard library and the package itself are needed,
so the tests run it too; the generator of the HTML (Zensical) is asked for by `make docs` alone.
"""

from __future__ import annotations

from docsite._check import broken_links
from docsite._examples import wrong_examples
from docsite._pages import write_site

__all__ = ["broken_links", "write_site", "wrong_examples"]
