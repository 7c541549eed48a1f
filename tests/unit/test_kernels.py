"""The choice of kernels."""

import os
import subprocess
import sys

import pytest

from cymlp import kernels

PRINT_ISA = [sys.executable, "-c", "from cymlp import kernels; print(kernels.isa())"]


def test_the_best_is_chosen_unless_the_environment_asks_for_another():
    environment = {k: v for k, v in os.environ.items() if k != "CYMLP_ISA"}
    for isa in (None, *kernels.available()):
        asked = {} if isa is None else {"CYMLP_ISA": isa}
        found = subprocess.run(
            PRINT_ISA,
            env=environment | asked,
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == (isa or kernels.available()[0])


def test_kernels_that_are_not_there_are_refused_in_words():
    with pytest.raises(ImportError, match=r"CYMLP_ISA='sse9'.*one of \[.*'plain'\]"):
        kernels.use("sse9")
    assert kernels.isa() in kernels.available()
