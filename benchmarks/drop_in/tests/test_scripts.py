"""Scripts print the same figures when only their import line changes."""

import pytest

from benchmarks.drop_in.scripts import IMPORT, SCRIPTS, run

# Rounding errors may grow, above all with L-BFGS, until a few samples change sides.
TOLERANCE = 0.02


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_prints_the_same_figures(script):
    theirs, ours = (run(script, drop_in).figures for drop_in in (False, True))
    assert theirs
    assert ours == pytest.approx(theirs, abs=TOLERANCE)


def test_only_the_import_line_differs():
    assert len(SCRIPTS) >= 20
    for script in SCRIPTS:
        assert len(IMPORT.findall(script.read_text("utf-8"))) == 1


def test_the_import_must_be_found(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sklearn.neural_network\n", "utf-8")
    with pytest.raises(ValueError, match="networks once; got 0 imports"):
        run(script, drop_in=True)
