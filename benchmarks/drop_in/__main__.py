"""Compare the processor time of each script on scikit-learn and on the drop-in.

Both run alternately, with BLAS on one thread and on as many as it chooses itself.
"""

import argparse
import statistics

import numpy as np

from benchmarks.drop_in.scripts import SCRIPTS, run


def measure(script, repeats, blas_threads):
    """The best times of scikit-learn and the drop-in, and the figures of both."""
    pairs = [
        [run(script, drop_in, blas_threads) for drop_in in (False, True)]
        for _ in range(repeats)
    ]
    seconds = [min(pair[index].seconds for pair in pairs) for index in (0, 1)]
    return *seconds, *(one.figures for one in pairs[0])


def main():
    """Print a table of the best of several runs of each script."""
    parser = argparse.ArgumentParser("benchmarks.drop_in", description=__doc__)
    parser.add_argument("names", nargs="*", help="scripts; default: all")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each script")
    arguments = parser.parse_args()
    print("| script | figures differ by | scikit-learn, s | cymlp, s | times as fast |")
    print("|---|---|---|---|---|")
    all_ratios = []
    for script in SCRIPTS:
        if arguments.names and script.stem not in arguments.names:
            continue
        cells, ratios = [], []
        for blas_threads in (1, None):
            theirs, ours, *figures = measure(script, arguments.repeats, blas_threads)
            ratios.append(theirs / ours)
            cells.append((f"{theirs:.2f}", f"{ours:.2f}", f"{theirs / ours:.1f}"))
            if blas_threads == 1:
                difference = max(map(abs, np.subtract(*figures)))
        all_ratios.append(ratios)
        columns = (" / ".join(pair) for pair in zip(*cells, strict=True))
        row = [script.stem, f"{difference:.1g}", *columns]
        print(f"| {' | '.join(row)} |", flush=True)
    medians = map(statistics.median, zip(*all_ratios, strict=True))
    print("\nIn the median", " / ".join(f"{median:.1f}" for median in medians))


if __name__ == "__main__":
    main()
