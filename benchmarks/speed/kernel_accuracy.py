"""Measure the largest error of exp and other kernels over all float32."""

import argparse

import numpy as np
from scipy.special import erfc

from cymlp import kernels

FUNCTIONS = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
    "tanh": np.tanh, "erfc": erfc,
}  # fmt: skip
CHUNK = 2**22


def errors(computed, exact):
    """Return errors in units in the last place, 0 where both are the same infinity."""
    rounded = exact.astype(np.float32)
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(np.float32).max))
    distance = np.abs(computed - exact) / unit
    return np.where(computed == rounded, 0, distance)


def largest_errors(name):
    """Return for each instruction set the largest error of a function and its x."""
    found = dict.fromkeys(kernels.available(), (0.0, np.nan))
    for start in range(0, 2**32, CHUNK):
        bits = np.arange(start, start + CHUNK, dtype=np.uint32)
        x = bits.view(np.float32)
        exact = FUNCTIONS[name](x.astype(np.float64))
        for isa in found:
            kernels._use(isa)
            computed = np.empty_like(x)
            kernels._evaluate(name, x, computed)
            if not np.array_equal(np.isnan(computed), np.isnan(exact)):
                raise SystemExit(f"{name} with {isa}: NaN differs")
            error = np.nan_to_num(errors(computed, exact))
            if error.max() > found[isa][0]:
                found[isa] = float(error.max()), float(x[error.argmax()])
    return found


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.kernel_accuracy", description=__doc__
    )
    parser.add_argument(
        "--functions",
        nargs="+",
        choices=FUNCTIONS,
        default=list(FUNCTIONS),
        metavar="NAME",
        help=f"functions to measure (default: {' '.join(FUNCTIONS)})",
    )
    names = parser.parse_args().functions
    print("| function | instruction set | largest error in ulps | at |")
    print("|---|---|---|---|")
    with np.errstate(all="ignore"):
        for name in names:
            for isa, (error, x) in largest_errors(name).items():
                print(f"| {name} | {isa} | {error:.2f} | {x:.9g} |", flush=True)


if __name__ == "__main__":
    main()
