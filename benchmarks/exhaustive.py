"""Measure the error of the functions over arrays at every float32 there is."""

import numpy as np

from cymlp import kernels

TRUE = {"exp": np.exp, "expm1_negative": np.expm1, "tanh": np.tanh}
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
        x = x[~(x > 0)] if name == "expm1_negative" else x
        true = TRUE[name](x.astype(np.float64))
        for isa in found:
            kernels.use(isa)
            computed = np.empty_like(x)
            kernels.evaluate(name, x, computed)
            if not np.array_equal(np.isnan(computed), np.isnan(x)):
                raise SystemExit(f"{name} with {isa}: NaN where there should be none")
            error = np.nan_to_num(errors(computed, true))
            if error.size and error.max() > found[isa][0]:
                found[isa] = float(error.max()), float(x[error.argmax()])
    return found


def main():
    """Print a table."""
    print("| function | instruction set | largest error in ulps | at |")
    print("|---|---|---|---|")
    with np.errstate(over="ignore", invalid="ignore"):
        for name in TRUE:
            for isa, (error, x) in worst(name).items():
                print(f"| {name} | {isa} | {error:.2f} | {x:.9g} |", flush=True)


if __name__ == "__main__":
    main()
