"""Fuzz for as long as asked: ``make fuzz ARGS="--minutes 60 --mutations 100000"``.

Sequences that failed are kept in the folder .fuzz and tried first the next time.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from fuzz import epochs, machine
from fuzz.machine import Sequences
from fuzz.model_files import mutate_files
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from cymlp import kernels

CORPUS = Path(__file__).parents[2] / ".fuzz"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="for sequences")
    parser.add_argument("--mutations", type=int, default=1000, help="of model files")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    CORPUS.mkdir(exist_ok=True)
    print(f"seed {arguments.seed}, instruction set {kernels.isa()}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        n = mutate_files(arguments.mutations, arguments.seed, Path(folder))
    seconds = time.monotonic() - start
    print(f"{arguments.mutations} damaged files, {n} still valid: {seconds:.0f} s")
    fuzz(60 * arguments.minutes)


def fuzz(seconds):
    """Run sequences for so many seconds."""
    with_corpus = settings(
        max_examples=100,
        stateful_step_count=20,
        deadline=None,
        database=DirectoryBasedExampleDatabase(CORPUS),
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    start = time.monotonic()
    n_rounds = 0
    while time.monotonic() - start < seconds:
        run_state_machine_as_test(Sequences, settings=with_corpus)
        n_rounds += 1
        print(
            f"{100 * n_rounds} sequences, {machine.n_calls} calls, {epochs.n_checked} "
            f"epochs compared with NumPy: {time.monotonic() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
