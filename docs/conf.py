"""The documentation: built by ``make docs`` into ``site/``, to be read without a network."""

from pidnet import __version__

project = "pidnet"
author = "The pidnet authors"
copyright = "The pidnet authors, BSD-3-Clause"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates"]

# A room's page documents what the room lists in __all__, and nothing else.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"pidnet {version}"
html_copy_source = False
html_show_sphinx = False
