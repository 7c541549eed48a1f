"""scikit-learn's own tests of its networks, taken from the installed package.

Only their import is replaced; all cases must pass.
"""

from pathlib import Path

import pytest
import sklearn.neural_network
from sklearn.utils.estimator_checks import parametrize_with_checks

from cymlp import neural_network

SOURCE = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"

# Their run does not make errors of warnings.
pytestmark = pytest.mark.filterwarnings("ignore")


def their_names():
    """Their tests, and what these need, by name."""
    text = SOURCE.read_text("utf-8")
    assert text.count("neural_network import") == text.count(IMPORT) == 1
    names = {"__name__": __name__}
    replaced = text.replace(IMPORT, IMPORT.replace("sklearn", "cymlp"))
    exec(compile(replaced, str(SOURCE), "exec"), names)
    return names


TESTS = {name: test for name, test in their_names().items() if name.startswith("test_")}
globals().update(TESTS)


@pytest.fixture
def global_random_seed():
    """The seed that their run draws."""
    return 42


def test_their_tests_are_found_and_are_of_these_classes():
    assert len(TESTS) > 30
    for name in neural_network.__all__:
        own = getattr(neural_network, name)
        assert all(test.__globals__.get(name) is own for test in TESTS.values())


@parametrize_with_checks(
    [
        estimator(max_iter=100, solver=solver)
        for estimator in (neural_network.MLPClassifier, neural_network.MLPRegressor)
        for solver in ("adam", "sgd", "lbfgs")
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
