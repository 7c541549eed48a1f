"""Calls that run out of memory."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[1] / "faults.py"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_a_call_without_memory_ends_as_it_should(tmp_path):
    """faults.py limits processes; by hand, with a hundred limits for each call."""
    run = [sys.executable, FAULTS, "5"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    finished, failed = map(int, re.findall(r"\d+", done.stdout))
    assert finished + failed == 40
    assert finished >= 8
    assert failed >= 8
