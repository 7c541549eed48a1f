"""Measure the error of the functions over arrays at every float32 there is."""

import argparse

import numpy as np

from cymlp import kernels

FUNCTIONS = ["exp", "expm1", "log", "log1p", "tanh"]
N_AT_A_TIME = 2**22


def errors(computed, true):
    """Distance in units in the last place of the true value; 0 for equal infinities."""
    rounded = true.astype(np.float32)
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(np.float32).max))
    distance = np.abs(computed - true) / unit
    return np.where(computed == rounded, 0, distance)


def worst(name):
    """For each instruction set the largest error of a function and where it is."""
    found = dict.fromkeys(kernels.available(), (0.0, np.nan))
    for start in range(0, 2**32, N_AT_A_TIME):
        bits = np.arange(start, start + N_AT_A_TIME, dtype=np.uint32)
        x = bits.view(np.float32)
        true = getattr(np, name)(x.astype(np.float64))
        for isa in found:
            kernels.use(isa)
            computed = np.empty_like(x)
            kernels.evaluate(name, x, computed)
            if not np.array_equal(np.isnan(computed), np.isnan(true)):
                raise SystemExit(f"{name} with {isa}: NaN in the wrong places")
            error = np.nan_to_num(errors(computed, true))
            if error.max() > found[isa][0]:
                found[isa] = float(error.max()), float(x[error.argmax()])
    return found


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--functions", nargs="+", choices=FUNCTIONS, default=FUNCTIONS, metavar="NAME"
    )
    names = parser.parse_args().functions
    print("| function | instruction set | largest error in ulps | at |")
    print("|---|---|---|---|")
    with np.errstate(all="ignore"):
        for name in names:
            for isa, (error, x) in worst(name).items():
                print(f"| {name} | {isa} | {error:.2f} | {x:.9g} |", flush=True)


if __name__ == "__main__":
    main()
