"""The peers that are classifiers: cymlp and scikit-learn, each through its public face.

What a user gets is timed: a whole ``fit``, from its checks to its attributes.
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

NO_STEP = 1e-300  # a learning rate that leaves the first weights as they are

warnings.simplefilter("ignore", ConvergenceWarning)


class EstimatorPeer:
    """A peer that is a classifier."""

    def refusal(self, work):
        """Say why a work is not done, or None."""
        return None

    def comparable(self, work):
        """Give the nearest work that can be compared, and what is different in it."""
        return work, ""

    def classifier(self, work, n_epochs, **settings):
        """Make a classifier that trains exactly so many epochs."""
        raise NotImplementedError

    def fit(self, work, samples, n_epochs):
        """Train a new network; this may be called from several threads at once."""
        self.classifier(work, n_epochs).fit(samples.X, samples.y)

    def predictor(self, work, samples, parameters, method="predict_proba"):
        """Give a function of X that computes probabilities, or labels."""
        classifier = self.classifier(work, 1).fit(samples.X, samples.y)
        set_parameters(classifier, parameters)
        return getattr(classifier, method)


class CymlpPeer(EstimatorPeer):
    """cymlp. The others are validated from the weights that it draws."""

    packages = ("cymlp", "numpy", "scipy")

    def classifier(self, work, n_epochs, **settings):
        """Make a classifier that trains exactly so many epochs."""
        from cymlp import MLPClassifier

        defaults = {
            "solver": work.solver,
            "learning_rate_init": work.learning_rate,
            "momentum": work.momentum,
            "epsilon": work.epsilon,
            "weight_decay": work.weight_decay,
            "batch_size": work.batch_size,
            "max_iter": n_epochs,
            "n_iter_no_change": np.inf,
            "random_state": 0,
        }
        return MLPClassifier(
            work.hidden, work.activation, work.loss, **defaults | settings
        )

    def train(self, work, samples, n_epochs):
        """Train a new network: seconds of each epoch, and of all the rest."""
        classifier = self.classifier(work, n_epochs)
        start = time.perf_counter()
        classifier.fit(samples.X, samples.y)
        total = time.perf_counter() - start
        seconds = classifier.history_["seconds"]
        return seconds.tolist(), total - seconds.sum()

    def start(self, work, samples):
        """Give the parameters that `trained` starts from."""
        return self._after_an_epoch(work, samples, learning_rate_init=NO_STEP)

    def trained(self, work, samples, parameters, order):
        """Train for an epoch in a given order; give what the parameters are then.

        The same seed draws the weights again that `start` gave as `parameters`.
        """
        return self._after_an_epoch(
            work, samples._replace(X=samples.X[order], y=samples.y[order])
        )

    def _after_an_epoch(self, work, samples, **settings):
        classifier = self.classifier(
            work, 1, dtype="float64", shuffle=False, **settings
        )
        return parameters_of(classifier.fit(samples.X, samples.y))

    def parts(self):
        """Names of all activations and losses."""
        from cymlp import activations, losses

        return sorted(activations.known()), sorted(losses.known())

    def report(self, works, samples, n_epochs, n_jobs):
        """Train many networks, some at a time."""
        from cymlp import fit_many

        networks = [self.classifier(work, n_epochs) for work in works]
        fit_many(networks, samples.X, samples.y, n_jobs=n_jobs)


class SklearnPeer(EstimatorPeer):
    """scikit-learn: it decays no biases, and divides the decay by the batch size."""

    packages = ("scikit-learn", "numpy", "scipy")

    def comparable(self, work):
        """Give the nearest work that can be compared, and what is different in it.

        Its Adam adds epsilon before the correction of the bias, others after it.
        """
        if work.solver == "adam":
            work = work._replace(epsilon=1e-37)
            return work._replace(weight_decay=0.0), "no weight decay, epsilon 1e-37"
        return work._replace(weight_decay=0.0), "no weight decay"

    def classifier(self, work, n_epochs, **settings):
        """Make a classifier that trains exactly so many epochs."""
        from sklearn.neural_network import MLPClassifier

        defaults = {
            "solver": work.solver,
            "learning_rate_init": work.learning_rate,
            "momentum": work.momentum,
            "nesterovs_momentum": False,
            "epsilon": work.epsilon,
            "alpha": work.weight_decay * work.batch_size,
            "batch_size": work.batch_size,
            "max_iter": n_epochs,
            "n_iter_no_change": n_epochs,
            "random_state": 0,
        }
        return MLPClassifier(work.hidden, work.activation, **defaults | settings)

    def train(self, work, samples, n_epochs):
        """Train a new network: seconds of each epoch, and of all the rest."""
        clock = Clock(0)
        classifier = self.classifier(work, n_epochs, random_state=clock)
        start = time.perf_counter()
        classifier.fit(samples.X, samples.y)
        ends = [*clock.times, time.perf_counter()]
        if len(ends) != n_epochs + 1:
            raise RuntimeError("scikit-learn does not shuffle once an epoch any more")
        return np.diff(ends).tolist(), ends[0] - start

    def trained(self, work, samples, parameters, order):
        """Train for an epoch in a given order; give what the parameters are then."""
        X, y = samples.X[order], samples.y[order]
        classifier = self.classifier(
            work, 1, learning_rate_init=NO_STEP, warm_start=True, shuffle=False
        ).fit(X, y)
        set_parameters(classifier, parameters)
        classifier.learning_rate_init = work.learning_rate
        return parameters_of(classifier.fit(X, y))


class Clock(np.random.RandomState):
    """Random numbers that note when they shuffle: as an epoch begins."""

    def __init__(self, seed):
        super().__init__(seed)
        self.times = []

    def shuffle(self, x):
        self.times.append(time.perf_counter())
        super().shuffle(x)


def set_parameters(classifier, parameters):
    """Give a fitted classifier other weights and biases: [W, b, W, b, ...]."""
    dtype = classifier.coefs_[0].dtype
    classifier.coefs_ = [W.astype(dtype) for W in parameters[::2]]
    classifier.intercepts_ = [b.astype(dtype) for b in parameters[1::2]]


def parameters_of(classifier):
    """Weights and biases of a fitted classifier: [W, b, W, b, ...]."""
    layers = zip(classifier.coefs_, classifier.intercepts_, strict=True)
    return [part for layer in layers for part in layer]
