"""Workloads and their samples."""

import numpy as np

from benchmarks.speed import workloads


def test_dense_operations_are_counted_product_by_product():
    rows, sizes = 7, (5, 4, 3)
    forward = 5 * 4 + 4 * 3
    weight_gradients = forward
    input_gradients = 4 * 3  # the first layer needs none
    expected = 2 * rows * (forward + weight_gradients + input_gradients)
    assert workloads.dense_operations(sizes, rows) == expected


def test_samples_are_repeated_and_cut_to_whole_batches(quick):
    samples = workloads.load(quick._replace(n_rows=3000, batch_size=7))
    assert len(samples.y) == len(samples.X) == 2996
    np.testing.assert_array_equal(samples.X[1437:1500], samples.X[:63])
