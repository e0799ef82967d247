"""How Sphinx makes the documentation: `make docs`, warnings are errors."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "xivo-confgend"
copyright = "the authors of xivo-confgend, GPL-3.0-or-later"
extensions = ["myst_parser", "sphinx.ext.autodoc", "generated_reference"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "xivo-confgend"
html_copy_source = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
default_role = "code"
# The specification keeps its own headings, and names files that are no pages.
suppress_warnings = ["myst.header", "myst.xref_missing"]
