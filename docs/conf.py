"""The documentation site, which `make docs` builds.

Its source folder is the whole repository, so that pages link each other, the README and
the benchmarks by the same relative paths as on a site that shows the repository.
"""

import re
from importlib import metadata

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

project = "cymlp"
author = "the cymlp developers"
copyright = author
release = metadata.version(project)

root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "benchmarks/**.md"]
exclude_patterns = ["build", "report", ".*", "docs/templates"]
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["deflist", "dollarmath"]
# Prompts are not part of what is copied.
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True
copybutton_selector = "div:not(.highlight-text) > div.highlight pre"
templates_path = ["templates"]
default_role = "code"
smartquotes = False
nitpick_ignore_regex = [("py:.*", r"(joblib|sklearn)\..*")]
# A property that is listed with the attributes, which have no pages.
nitpick_ignore = [("py:obj", "loss_curve_")]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "docs/gallery",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

# Browsers show MathML without a script from elsewhere.
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"cymlp {release}"
html_theme_options = {
    # For the link that edits a page.
    "source_repository": "https://github.com/cymlp/cymlp/",
    "source_branch": "main",
    "source_directory": "",
}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_additional_pages = {"index": "redirect.html"}


def write_math(translator, node):
    """Write a formula as MathML."""
    is_block = isinstance(node, nodes.math_block)
    formula = tex2mathml(node.astext(), as_block=is_block)
    translator.body.append(f"<p>{formula}</p>" if is_block else formula)
    raise nodes.SkipNode


def setup(app):
    """Set up formulas, and links to the folder of the examples."""

    def to_gallery(app, page, text):
        text[0] = re.sub(r"\((\.\./)?examples\)", "(/docs/gallery/index.rst)", text[0])

    app.connect("source-read", to_gallery)
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))
