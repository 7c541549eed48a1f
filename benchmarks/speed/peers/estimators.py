"""The peers that are scikit-learn estimators: cymlp and scikit-learn.

A whole ``fit`` is timed as a user calls it, checks and fitted attributes included.
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

NO_STEP = 1e-300  # a learning rate that leaves the weights unchanged

warnings.simplefilter("ignore", ConvergenceWarning)


class EstimatorPeer:
    """A peer that is a classifier."""

    def unsupported(self, workload):
        """Say why a workload is not supported, or return None."""
        return None

    def comparable(self, workload):
        """Return the nearest workload that can be validated, and the difference."""
        return workload, ""

    def classifier(self, workload, n_epochs, **settings):
        """Make a classifier that trains for this number of epochs."""
        raise NotImplementedError

    def fit(self, workload, samples, n_epochs):
        """Train a new network; may be called from several threads at once."""
        self.classifier(workload, n_epochs).fit(samples.X, samples.y)

    def fitter(self, workload, samples, method):
        """Return a function that fits, or trains on the first row of the samples."""
        classifier = self.classifier(workload, 1)
        if method == "fit":
            return lambda: classifier.fit(samples.X, samples.y)
        classifier.partial_fit(samples.X, samples.y, classes=np.unique(samples.y))
        X, y = samples.X[:1], samples.y[:1]
        return lambda: classifier.partial_fit(X, y)

    def predictor(self, workload, samples, parameters, method="predict_proba"):
        """Return a function of X that computes probabilities, or labels."""
        classifier = self.classifier(workload, 1).fit(samples.X, samples.y)
        set_parameters(classifier, parameters)
        return getattr(classifier, method)


class CymlpPeer(EstimatorPeer):
    """cymlp, the reference that other peers are validated against."""

    packages = ("cymlp", "numpy", "scipy")

    def classifier(self, workload, n_epochs, **settings):
        """Make a classifier that trains for this number of epochs."""
        from cymlp import MLPClassifier

        defaults = {
            "solver": workload.solver,
            "learning_rate_init": workload.learning_rate,
            "momentum": workload.momentum,
            "beta_2": 0.999,  # the default of the other peers
            "epsilon": workload.epsilon,
            "learning_rate": "constant",
            "weight_decay": workload.weight_decay,
            "batch_size": workload.batch_size,
            "max_iter": n_epochs,
            "scale": None,
            "n_iter_no_change": np.inf,
            "random_state": 0,
        }
        return MLPClassifier(
            workload.hidden, workload.activation, workload.loss, **defaults | settings
        )

    def train(self, workload, samples, n_epochs):
        """Train a new network: seconds of each epoch, and of the rest of the fit."""
        classifier = self.classifier(workload, n_epochs)
        start = time.perf_counter()
        classifier.fit(samples.X, samples.y)
        total = time.perf_counter() - start
        seconds = classifier.history_["seconds"]
        return seconds.tolist(), total - seconds.sum()

    def initial_parameters(self, workload, samples):
        """Return the parameters that `parameters_after_epoch` starts from."""
        return self._after_epoch(workload, samples, learning_rate_init=NO_STEP)

    def parameters_after_epoch(self, workload, samples, parameters, order):
        """Train for one epoch in this order, and return the parameters.

        The parameters must be those of `initial_parameters`, which the seed draws
        again.
        """
        return self._after_epoch(
            workload, samples._replace(X=samples.X[order], y=samples.y[order])
        )

    def _after_epoch(self, workload, samples, **settings):
        classifier = self.classifier(
            workload, 1, dtype="float64", shuffle=False, **settings
        )
        return parameters_of(classifier.fit(samples.X, samples.y))

    def instructions(self):
        """Return the instruction set of the kernels."""
        from cymlp import kernels

        return kernels.isa()

    def activations_and_losses(self):
        """Return the names of all activations and of all losses."""
        from cymlp import activations, losses

        of_classes = [
            name
            for name, member in losses.LOSSES.items()
            if member.target_kind == "classes"
        ]
        return sorted(activations.ACTIVATIONS), sorted(of_classes)

    def fit_many(self, workloads, samples, n_epochs, n_jobs):
        """Train many networks, n_jobs at a time."""
        from cymlp import fit_many

        networks = [self.classifier(workload, n_epochs) for workload in workloads]
        fit_many(networks, samples.X, samples.y, n_jobs=n_jobs)


class SklearnPeer(EstimatorPeer):
    """scikit-learn. It divides alpha by the batch size and does not decay biases."""

    packages = ("scikit-learn", "numpy", "scipy")

    def comparable(self, workload):
        """Return the nearest workload that can be validated, and the difference.

        scikit-learn's Adam adds epsilon before the bias correction, the other peers
        after it.
        """
        if workload.solver == "adam":
            workload = workload._replace(epsilon=1e-37, weight_decay=0.0)
            return workload, "no weight decay, epsilon 1e-37"
        return workload._replace(weight_decay=0.0), "no weight decay"

    def classifier(self, workload, n_epochs, **settings):
        """Make a classifier that trains for this number of epochs."""
        from sklearn.neural_network import MLPClassifier

        defaults = {
            "solver": workload.solver,
            "learning_rate_init": workload.learning_rate,
            "momentum": workload.momentum,
            "nesterovs_momentum": False,
            "epsilon": workload.epsilon,
            "alpha": workload.weight_decay * workload.batch_size,
            "batch_size": workload.batch_size,
            "max_iter": n_epochs,
            "n_iter_no_change": n_epochs,
            "random_state": 0,
        }
        return MLPClassifier(
            workload.hidden, workload.activation, **defaults | settings
        )

    def train(self, workload, samples, n_epochs):
        """Train a new network: seconds of each epoch, and of the rest of the fit."""
        clock = ShuffleClock(0)
        classifier = self.classifier(workload, n_epochs, random_state=clock)
        start = time.perf_counter()
        classifier.fit(samples.X, samples.y)
        ends = [*clock.times, time.perf_counter()]
        if len(ends) != n_epochs + 1:
            raise RuntimeError(
                f"scikit-learn shuffled {len(clock.times)} times in {n_epochs} epochs; "
                "epochs can be timed only if it shuffles once per epoch"
            )
        return np.diff(ends).tolist(), ends[0] - start

    def parameters_after_epoch(self, workload, samples, parameters, order):
        """Train for one epoch in this order, and return the parameters."""
        X, y = samples.X[order], samples.y[order]
        classifier = self.classifier(
            workload, 1, learning_rate_init=NO_STEP, warm_start=True, shuffle=False
        ).fit(X, y)
        set_parameters(classifier, parameters)
        classifier.learning_rate_init = workload.learning_rate
        return parameters_of(classifier.fit(X, y))


class ShuffleClock(np.random.RandomState):
    """A random generator that records the times of shuffles, the starts of epochs."""

    def __init__(self, seed):
        super().__init__(seed)
        self.times = []

    def shuffle(self, x):
        self.times.append(time.perf_counter())
        super().shuffle(x)


def set_parameters(classifier, parameters):
    """Set the weights and biases of a fitted classifier: [W, b, W, b, ...]."""
    dtype = classifier.coefs_[0].dtype
    classifier.coefs_ = [W.astype(dtype) for W in parameters[::2]]
    classifier.intercepts_ = [b.astype(dtype) for b in parameters[1::2]]


def parameters_of(classifier):
    """Return the weights and biases of a fitted classifier: [W, b, W, b, ...]."""
    layers = zip(classifier.coefs_, classifier.intercepts_, strict=True)
    return [part for layer in layers for part in layer]
