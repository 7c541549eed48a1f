"""Linters of the pre-commit hooks, and the targets of make that pages name."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_hooks_have_the_linters_of_make_lint():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    (linters,) = re.findall(r"&linters\n((?: +- \S+\n)+)", hooks)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lint = groups["dependency-groups"]["lint"]
    without_types = [package for package in lint if isinstance(package, str)]
    assert re.findall(r"- (\S+)\n", linters) == without_types


def test_every_target_that_a_page_names_exists():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    commands = re.findall(
        r"`make ([a-z ]+)|^make ([a-z]+)(?: ARGS=.*)?$", text, re.MULTILINE
    )
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z]+):", makefile, re.MULTILINE)
    named = {target for command in commands for target in "".join(command).split()}
    assert {"check", "report", "test"} <= named <= {*targets}
