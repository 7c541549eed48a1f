"""Checks of parameters by scikit-learn, once for many calls with the same values."""

from functools import cache, lru_cache

from sklearn.base import BaseEstimator

from cymlp._sklearn import validate_parameter_constraints

# Types of values that cannot change once they are checked.
PLAIN_TYPES = {bool, int, float, str, type, type(None)}


def are_plain(values):
    """Whether none of the values can change; they may be tuples of such values."""
    types = {*map(type, values)}
    if tuple in types:
        types.remove(tuple)
        types.update(*(map(type, value) for value in values if type(value) is tuple))
    return types <= PLAIN_TYPES


@lru_cache(maxsize=64)
def _validate_plain(cls, types, values):
    """Check the values of all parameters.

    `types` are those of the values: True, 1 and 1.0 are equal, but not all allowed.
    """
    parameters = dict(zip(cls._get_param_names(), values, strict=True))
    validate_parameter_constraints(cls._parameter_constraints, parameters, cls.__name__)


class ParametersMixin(BaseEstimator):
    """An estimator, activation or loss with quick checks of its parameters."""

    @classmethod
    @cache
    def _get_param_names(cls):
        # scikit-learn reads the signature again for each of the many calls.
        return super()._get_param_names()

    def _parameter_values(self):
        """The values of all parameters, a tuple."""
        return tuple([getattr(self, name) for name in self._get_param_names()])

    def _validate_params(self):
        values = self._parameter_values()
        if are_plain(values):
            _validate_plain(type(self), tuple(map(type, values)), values)
        else:
            super()._validate_params()
