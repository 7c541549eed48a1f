"""Private names of scikit-learn; no other module of cymlp imports any.

A release of scikit-learn may drop or change one without notice. What then breaks, and
the replacement, stands beside each. The newest scikit-learn is tested every night.

Estimators of cymlp also have attributes that scikit-learn reads or calls without
promising to: `_parameter_constraints` and `_get_param_names` (checks of parameters),
`_fit_stochastic` and the other methods that `cymlp.neural_network._base` lists, and
`_init_callback_context` of the class that `sklearn.callback` adds.
"""

# The drop-in cannot be built without the class whose methods it replaces.
from sklearn.neural_network._base import ACTIVATIONS as OUTPUT_ACTIVATIONS
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

# The drop-in's optimisers: its schedules of the learning rate and their messages.
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

# The drop-in's early stopping takes rows of any kind of X; plain indexing does for
# arrays and sparse matrices.
from sklearn.utils import _safe_indexing

# Labels that are missing, when a data set without labels is refused; pandas.isna.
from sklearn.utils._missing import is_pandas_na, is_scalar_nan

# The checks of parameters and the words of their errors. Without them every estimator
# needs checks of its own.
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    make_constraint,
    validate_parameter_constraints,
)

# Checks of y, of sample weights, and of column names when a fit continues; each is a
# few lines over the public check_array.
from sklearn.utils.validation import (
    _check_feature_names,
    _check_sample_weight,
    _check_y,
)

__all__ = [
    "OUTPUT_ACTIVATIONS",
    "AdamOptimizer",
    "BaseMultilayerPerceptron",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "SGDOptimizer",
    "StrOptions",
    "_check_feature_names",
    "_check_sample_weight",
    "_check_y",
    "_safe_indexing",
    "is_pandas_na",
    "is_scalar_nan",
    "make_constraint",
    "validate_parameter_constraints",
]
