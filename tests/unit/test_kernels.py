"""The choice of kernels, and the documentation of what they support."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cymlp import MLPClassifier, kernels
from cymlp._engine.inputs import ELEMENT_TYPES

PAGES = ["reproducibility.md", "speed.md"]
DOCS = Path(__file__).parents[2] / "docs"
PRINT_ISA = [sys.executable, "-c", "from cymlp import kernels; print(kernels.isa())"]


@pytest.mark.parametrize("isa", [None, *kernels.available()])
def test_the_best_kernels_are_chosen_unless_the_environment_names_others(isa):
    environment = {k: v for k, v in os.environ.items() if k != "CYMLP_ISA"}
    if isa is not None:
        environment["CYMLP_ISA"] = isa
    printed = subprocess.run(
        PRINT_ISA, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == (isa or kernels.available()[0])


def test_unknown_kernels_are_refused_by_name():
    before = kernels.isa()
    with pytest.raises(
        ImportError, match=r"CYMLP_ISA must be one of \[.*'plain'\].*Got 'sse9' instead"
    ):
        kernels._use("sse9")
    assert kernels.isa() == before


def test_an_unknown_name_in_the_environment_is_an_import_error():
    done = subprocess.run(
        PRINT_ISA,
        env=os.environ | {"CYMLP_ISA": "sse9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "CYMLP_ISA must be one of" in done.stderr


@pytest.mark.skipif(not DOCS.exists(), reason="needs the documentation")
@pytest.mark.parametrize("isa", kernels.available())
def test_every_instruction_set_is_documented(isa):
    pages = [(DOCS / name).read_text("utf-8") for name in PAGES]
    assert any(re.search(rf"\b{isa}\b", page) for page in pages), (
        f"name the instruction set {isa!r} in one of {PAGES} in docs"
    )


def documented_sizes(text):
    """The sizes in "integers of 8 or 16 bits"."""
    phrases = re.findall(r"integers of ([\d, or]+?) bits", text)
    return {int(size) for phrase in phrases for size in re.findall(r"\d+", phrase)}


@pytest.mark.parametrize("element_type", ELEMENT_TYPES)
def test_every_element_type_is_documented(element_type):
    text = " ".join(MLPClassifier.fit.__doc__.split())
    dtype = np.dtype(element_type)
    is_named = re.search(rf"\b{element_type}\b", text) is not None
    if dtype.kind in "iu":
        is_named |= 8 * dtype.itemsize in documented_sizes(text)
    assert is_named, f"name the element type {element_type!r} in MLPClassifier.fit"
