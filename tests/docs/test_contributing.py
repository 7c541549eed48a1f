"""Linters, workflows, versions, and the targets of make that pages name."""

import re
import tomllib
from pathlib import Path

import pytest

import cymlp

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


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


@pytest.mark.skipif(not WORKFLOWS, reason="a source distribution has no workflows")
def test_workflows_pin_actions_and_limit_the_time_of_each_job():
    for path in WORKFLOWS:
        text = path.read_text("utf-8")
        actions = re.findall(r"uses: (.*)", text)
        jobs = re.findall(r"^  [\w-]+:\n", text.partition("\njobs:\n")[2], re.MULTILINE)
        assert actions
        for action in actions:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action)
        assert text.count("timeout-minutes:") == len(jobs) > 0


@pytest.mark.skipif(not WORKFLOWS, reason="a source distribution has no workflows")
def test_the_targets_that_workflows_run_exist():
    text = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    commands = re.findall(r"run: make ((?:[a-z]+ ?)+)", text)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    named = {target for command in commands for target in command.split()}
    assert {"lint", "test", "oldest", "coverage", "docs"} <= named <= {*targets}


@pytest.mark.skipif(
    not (ROOT / "CITATION.cff").exists(), reason="the wheel's tests have no such file"
)
def test_citations_name_the_version():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    page = (ROOT / "docs" / "citing.md").read_text("utf-8")
    assert f"\nversion: {cymlp.__version__}\n" in citation
    assert f"version = {{{cymlp.__version__}}}" in page
