"""The README's own code."""

import re
from pathlib import Path

import matplotlib

matplotlib.use("agg")

README = Path(__file__).parent.parent / "README.md"


def test_its_code_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names = {}
    for block in blocks:
        exec(block, names)
    matplotlib.pyplot.close("all")
    accuracy = re.match(r"accuracy (0\.\d+) after \d+ epochs", capsys.readouterr().out)
    assert float(accuracy[1]) > 0.94
    X_train, y_train = names["X_train"], names["y_train"]
    search = names["search"]
    search.estimator.set_params(max_iter=20, n_iter_no_change=float("inf"))
    assert search.fit(X_train[:300], y_train[:300]).best_score_ > 0.8
    assert names["clf"].score(names["X_val"], names["y_val"]) > 0.9
