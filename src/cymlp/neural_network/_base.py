"""The methods of scikit-learn's networks that compute, over the engine of cymlp.

All other behaviour is inherited from the installed scikit-learn: parameters and their
checks, encoded targets, initial weights and predictions. These methods of its class
`BaseMultilayerPerceptron` are replaced:

- `_validate_input` checks and encodes the data,
- `_fit_stochastic` trains with "sgd" or "adam",
- `_loss_grad_lbfgs` is the function that L-BFGS minimises; `_fit_lbfgs` prepares it,
- `_forward_pass_fast` computes the outputs.
"""

import inspect
import warnings
from copy import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import gen_batches
from sklearn.utils.validation import validate_data

from cymlp._engine.dense import forward
from cymlp._engine.network import Network
from cymlp._engine.storage import NotFiniteError
from cymlp._fit import prepare
from cymlp._fit.blas_threads import limited_blas, single_threaded_blas
from cymlp._fit.cores import predict_batches
from cymlp._fit.estimator import PREDICTION_BATCH_SIZE, converted
from cymlp._fit.targets import known_indices
from cymlp._fit.training import shallow_copy
from cymlp._sklearn import OUTPUT_ACTIVATIONS, BaseMultilayerPerceptron, _safe_indexing
from cymlp.activations import ACTIVATIONS
from cymlp.neural_network._objective import FullObjective, Objective
from cymlp.neural_network._optimizers import SOLVERS
from cymlp.neural_network._scores import SCORES

# Types of X that scikit-learn does not convert.
PRECISIONS = (np.dtype(np.float64), np.dtype(np.float32))

# Names of the arguments of the methods that take the data.
ARGUMENTS = {
    name: [*inspect.signature(getattr(BaseMultilayerPerceptron, name)).parameters][1:]
    for name in ("_fit_stochastic", "_fit_lbfgs", "_loss_grad_lbfgs")
}


def _data_of(method, args, kwargs):
    """X, y and sample weights, None with scikit-learn before 1.7."""
    given = dict(zip(ARGUMENTS[method], args, strict=False)) | kwargs
    return given["X"], given["y"], given.get("sample_weight")


class EngineMixin:
    """Trains and predicts with the engine; the base before scikit-learn's class."""

    def _fit(self, *args, **kwargs):
        # On a copy, so that a call that fails changes nothing.
        draft = shallow_copy(self)
        super(EngineMixin, draft)._fit(*args, **kwargs)
        self.__dict__ = vars(draft)
        return self

    def _validate_input(self, X, y, incremental, reset):
        # scikit-learn's checks take several times as long as training on a few rows.
        is_later = incremental and not reset and not self.warm_start
        if is_later and prepare.is_sound_array(self, X) and np.isfinite(X).all():
            sound_y = self._sound_targets(y)
            if X.dtype in PRECISIONS and sound_y is not None and len(sound_y) == len(X):
                return X, sound_y
        return super()._validate_input(X, y, incremental, reset)

    def _sound_targets(self, y):
        """Targets as scikit-learn encodes them; None if its checks may find fault."""
        if type(y) is not np.ndarray or y.ndim != 1:
            return None
        binarizer = getattr(self, "_label_binarizer", None)
        if binarizer is None:  # a regressor
            return y if y.dtype.kind in "biuf" and np.isfinite(y).all() else None
        if binarizer.y_type_ not in ("binary", "multiclass"):
            return None
        if (indices := known_indices(binarizer.classes_, y)) is None:
            return None
        one_hot = indices[:, np.newaxis] == np.arange(binarizer.classes_.size)
        return one_hot if one_hot.shape[1] > 2 else one_hot[:, 1:]

    def _fit_stochastic(self, *args, **kwargs):
        X, y, sample_weight = data = _data_of("_fit_stochastic", args, kwargs)
        incremental = kwargs.get("incremental", args[-1])
        n_epochs = 1 if incremental else self.max_iter
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if incremental and hasattr(self, "_optimizer"):
            self._optimizer = copy(self._optimizer)
        else:
            self._optimizer = SOLVERS[self.solver].from_parameters(self)
        training, validation = self._split(X, y, sample_weight)
        objective = Objective(
            self, data, X.dtype, self._optimizer.compiled(self.alpha), training.size,
            self._clipped_batch_size(training.size), n_epochs,
        )  # fmt: skip
        objective.resume(self._optimizer)
        self.coefs_ = objective.parameters.coefs
        self.intercepts_ = objective.parameters.intercepts
        with limited_blas(), objective.cores:
            try:
                self._train(objective, training, validation, n_epochs, incremental)
            except KeyboardInterrupt:
                warnings.warn("Training interrupted by user.", stacklevel=6)
        objective.save(self._optimizer)
        if not self.early_stopping:
            self._keep_weights()
        self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts

    def _keep_weights(self):
        """Copy the weights that training changes in place."""
        self._best_coefs = [W.copy() for W in self.coefs_]
        self._best_intercepts = [b.copy() for b in self.intercepts_]

    def _split(self, X, y, sample_weight):
        """Indices of the training samples, and the validation data or None."""
        indices = np.arange(X.shape[0])
        if not self.early_stopping:
            return indices, None
        is_binary = is_classifier(self) and self.n_outputs_ == 1
        training, validation = train_test_split(
            indices,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=y if is_binary else None,
        )
        if validation.size < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        weights = None if sample_weight is None else sample_weight[validation]
        return training, (_safe_indexing(X, validation), y[validation], weights)

    def _clipped_batch_size(self, n_samples):
        if self.batch_size == "auto":
            return min(200, n_samples)
        if self.batch_size > n_samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going "
                "to be clipped",
                stacklevel=7,
            )
        return min(self.batch_size, n_samples)

    def _train(self, objective, indices, validation, n_epochs, incremental):
        """Train epoch by epoch, until there is no improvement."""
        self.loss_curve_ = [*self.loss_curve_]
        if validation is not None:
            self.validation_scores_ = [*self.validation_scores_]
        self.n_iter_ = 0
        for _ in range(n_epochs):
            single_threaded_blas.limit()
            if self.shuffle:
                permutation = np.arange(indices.size)
                self._random_state.shuffle(permutation)
                indices = indices[permutation]
            objective.set_learning_rate(self._optimizer.learning_rate)
            self.loss_ = objective.epoch(indices)
            self.n_iter_ += 1
            self.t_ += indices.size
            self.loss_curve_.append(self.loss_)
            if self.verbose:
                print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
            self._record_improvement(validation)
            if self._should_stop():
                return
        if not incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached "
                "and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=7,
            )

    def _record_improvement(self, validation):
        """Record an epoch, and count epochs without improvement."""
        if validation is None:
            improves = not self.loss_ > self.best_loss_ - self.tol
            self.best_loss_ = min(self.best_loss_, self.loss_)
        else:
            X, y, sample_weight = validation
            outputs = self._forward_pass_fast(X, check_input=False)
            score = SCORES[self.out_activation_](y, outputs, sample_weight)
            self.validation_scores_.append(score)
            if self.verbose:
                print(f"Validation score: {score:f}")
            improves = not score < self.best_validation_score_ + self.tol
            if score > self.best_validation_score_:
                self.best_validation_score_ = score
                self._keep_weights()
        self._no_improvement_count = 0 if improves else self._no_improvement_count + 1

    def _should_stop(self):
        """Whether to stop; otherwise the optimiser may lower the learning rate."""
        self._optimizer.iteration_ends(self.t_)
        if self._no_improvement_count <= self.n_iter_no_change:
            return False
        metric = "Validation score" if self.early_stopping else "Training loss"
        stop = self._optimizer.trigger_stopping(
            f"{metric} did not improve more than tol={self.tol:f} for "
            f"{self.n_iter_no_change} consecutive epochs.",
            self.verbose,
        )
        if not stop:
            self._no_improvement_count = 0
        return stop

    def _fit_lbfgs(self, *args, **kwargs):
        self._objective = FullObjective(self, _data_of("_fit_lbfgs", args, kwargs))
        self.coefs_ = [W.astype(np.float64) for W in self.coefs_]
        self.intercepts_ = [b.astype(np.float64) for b in self.intercepts_]
        with limited_blas(), self._objective.cores:
            super()._fit_lbfgs(*args, **kwargs)
        del self._objective

    def _loss_grad_lbfgs(self, packed_coef_inter, *args, **kwargs):
        if hasattr(self, "_objective"):
            return self._objective(packed_coef_inter)
        args = packed_coef_inter, *args
        objective = FullObjective(self, _data_of("_loss_grad_lbfgs", args, kwargs))
        return objective(packed_coef_inter)

    def _forward_pass_fast(self, X, check_input=True):
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        dtype = np.result_type(X.dtype, self.coefs_[0].dtype)
        first, *others = [
            (converted(W, dtype), converted(b, dtype))
            for W, b in zip(self.coefs_, self.intercepts_, strict=True)
        ]
        network = Network(
            [first[0].shape[0], *map(len, self.intercepts_)],
            [ACTIVATIONS[self.activation]() for _ in others],
        )
        X = X.tocsr() if issparse(X) else X
        outputs = np.empty((X.shape[0], network.sizes[-1]), dtype)

        def predict(batch):
            U = forward(X[batch].astype(dtype, copy=False), *first)
            memory = network.memory(U.shape[0], dtype, trains=False)
            outputs[batch] = network.scores(U, others, memory)

        batches = list(gen_batches(X.shape[0], PREDICTION_BATCH_SIZE))
        try:
            predict_batches(predict, batches, None, X.shape[0] * network.n_parameters)
        except NotFiniteError:
            # scikit-learn's outputs are NaN or infinite, with NumPy's warnings.
            return super()._forward_pass_fast(X, check_input=False)
        OUTPUT_ACTIVATIONS[self.out_activation_](outputs)
        return outputs
