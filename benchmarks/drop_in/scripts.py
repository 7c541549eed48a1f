"""Run a script as it is, or with the import of the drop-in."""

import contextlib
import io
import re
import time
import warnings
from pathlib import Path
from typing import NamedTuple

from threadpoolctl import threadpool_limits

SCRIPTS = sorted(Path(__file__).with_name("scripts").glob("*.py"))
IMPORT = re.compile(r"^from sklearn\.neural_network import", re.MULTILINE)


class Run(NamedTuple):
    """The figures that a script prints, and the processor time of its run."""

    figures: list
    seconds: float


def run(script, drop_in, blas_threads=1):
    """Run a script, with its one import of the networks replaced for the drop-in.

    `blas_threads` of None leaves BLAS as it is.
    """
    text, count = IMPORT.subn(
        f"from {'cymlp' if drop_in else 'sklearn'}.neural_network import",
        script.read_text("utf-8"),
    )
    if count != 1:
        raise ValueError(f"{script} must import the networks once; got {count} imports")
    code = compile(text, str(script), "exec")
    output = io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        threadpool_limits(blas_threads, user_api="blas"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        start = time.process_time()
        exec(code, {"__name__": "__main__"})
        seconds = time.process_time() - start
    figures = re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e-?\d+)?", output.getvalue())
    return Run([float(figure) for figure in figures], seconds)
