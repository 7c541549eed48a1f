"""The measurements and the validation of peers."""

import pytest

from benchmarks.speed import measurements, tables
from benchmarks.speed.workloads import Workload


def section(kind, result, workload):
    return tables.section(
        {"title": kind, "kind": kind, "batch_size": workload.batch_size, **result}
    )


def test_a_peer_with_a_wrong_learning_rate_is_found(processes, quick):
    with pytest.raises(
        measurements.ValidationError, match="wrong computes something else"
    ):
        measurements.validate(processes, quick, ["cymlp", "wrong"])


def test_a_correct_peer_is_validated_to_rounding_errors(processes, quick):
    validated = measurements.validate(processes, quick, ["cymlp", "numpy"])
    assert list(validated) == ["numpy"]
    assert float(validated["numpy"]) < 1e-14


def test_a_peer_that_is_not_installed_is_named(processes, quick):
    wanted = ["cymlp", "numpy", "absent"]
    workload = quick._replace(peers=("numpy", "absent"))
    result = measurements.training(processes, workload, wanted, 1)
    assert result["left_out"] == {"absent": "not installed"}
    assert list(result["times"]) == ["cymlp", "numpy"]
    assert "left out: Absent: not installed" in section("training", result, workload)


def test_all_other_measurements_give_tables(processes, quick):
    names = ["cymlp", "numpy"]
    results = {
        "prediction": measurements.prediction(processes, quick, names, 1, n_rows=100),
        "parts": measurements.parts(processes, quick, names, 1),
        "scaling": measurements.scaling(
            processes, quick, names, 1, n_rows=(400, 800), widths=(4, 8)
        ),
    }
    iris = Workload("iris", (5,), 50, ("scikit-learn",))
    for method in ("fit", "partial_fit"):
        results["small_fits"] = measurements.small_fits(
            processes, iris, ["cymlp", "scikit-learn"], 1, method=method
        )
    if len(processes.cpus) > 1:
        results["threads"] = measurements.threads(processes, quick, names, 1)
        results["busy"] = measurements.busy(
            processes, quick._replace(peers=("scikit-learn",)),
            ["cymlp", "scikit-learn"], 1,
        )  # fmt: skip
    for kind, result in results.items():
        text = section(kind, result, quick)
        rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        assert len(rows) > 2
    assert results["parts"]["relative"]["tanh"]["cross_entropy"] == 1
    assert set(results["scaling"]["by_rows"]) == {400, 800}


def test_the_published_rows_are_trained_by_cymlp_and_numpy(processes, quick):
    result = measurements.report(processes, quick, ["cymlp", "numpy"], 1)
    assert result["networks"] == 28
    assert set(result["times"]) == {"cymlp", "numpy"}
    assert "28 networks, 1 epochs" in section("report", result, quick)


def test_a_linear_function_has_exponent_one():
    assert measurements.exponent({10: 1.0, 20: 2.0, 80: 8.0}) == pytest.approx(1)
    assert measurements.exponent({10: 1.0, 20: 4.0, 80: 64.0}) == pytest.approx(2)
