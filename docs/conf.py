"""The documentation: built by ``make docs`` into ``site/``, to be read without a network."""

import shutil
from pathlib import Path

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx_gallery.scrapers import figure_rst

from pidnet import __version__

# Sphinx reads what lies under docs/: these pages are written elsewhere.
HERE = Path(__file__).parent
for folder, source, kinds in (
    ("notebooks", "notebooks", ["*.ipynb"]),
    ("results", "benchmarks/results", ["*.md", "*.png", "*.svg"]),
):
    shutil.rmtree(HERE / folder, ignore_errors=True)
    (HERE / folder).mkdir()
    for kind in kinds:
        for page in (HERE.parent / source).glob(kind):
            shutil.copy(page, HERE / folder)

# Of an example that has another name by now an earlier build has left a page.
EXAMPLES = {path.stem for path in (HERE.parent / "examples").glob("*.py")}
for page in (HERE / "gallery").glob("*.rst"):
    if page.stem not in EXAMPLES | {"index"}:
        page.unlink()

project = "pidnet"
author = "The pidnet authors"
project_copyright = "The pidnet authors, BSD-3-Clause"
version = release = __version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates", "gallery/*.ipynb", "**/sg_execution_times.rst", "sg_execution_times.rst"]

# The notebooks keep their outputs, and the tests run them.
nb_execution_mode = "off"


def saved_picture(block, block_vars, gallery_conf):
    """The picture that an example has saved beside itself under its own name; it moves to the gallery."""
    picture = Path(block_vars["src_file"]).with_suffix(".png")
    if not picture.exists():
        return ""
    place = next(block_vars["image_path_iterator"])
    shutil.move(picture, place)
    return figure_rst([place], gallery_conf["src_dir"])


# The gallery runs every example and shows what it prints and draws.
suppress_warnings = ["config.cache"]  # Sphinx has no cache for settings with a function
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "image_scrapers": (saved_picture,),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1_000_000,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
}

# A room's page documents what the room lists in __all__, and nothing else.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

myst_enable_extensions = ["deflist", "dollarmath"]
myst_dmath_double_inline = True
html_math_renderer = "mathml"
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"pidnet {version}"
html_copy_source = False
html_show_sphinx = False


def setup(app):
    """Formulas become MathML, which browsers draw by themselves; MathJax would come from a network."""

    def written(display):
        def visit(writer, node):
            writer.body.append(convert(node.astext(), display=display))
            raise SkipNode

        return visit, None

    app.add_html_math_renderer("mathml", written("inline"), written("block"))
