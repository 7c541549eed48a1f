"""The peer in NumPy: a training loop as an expert would write it.

It has tanh layers, cross entropy, momentum and weight decay. Every array is allocated
once and written to with ``out=``. Parameters, velocities and gradient are flat arrays,
so that an update takes a few calls. Sparse inputs use SciPy's products, which lack an
``out`` argument.
"""

import numpy as np
from scipy.sparse import issparse

from benchmarks.speed.peers.loop import LoopPeer


class NumpyLoop:
    """The training of one network.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
        Samples; their dtype is that of all computations.
    y : ndarray of int of shape (n_samples,)
        Class indices.
    parameters : list of ndarray
        Initial weights and biases: W of shape (n_in, n_out), b, W, b, ...
    batch_size : int
        A divisor of n_samples.
    learning_rate, momentum, weight_decay : float
    """

    def __init__(
        self, X, y, parameters, batch_size, *, learning_rate, momentum, weight_decay
    ):
        if X.shape[0] % batch_size:
            raise ValueError(
                f"batch_size must divide the {X.shape[0]} samples, got {batch_size}"
            )
        dtype = X.dtype.type
        self.X, self.y = X, y
        self.batch_size = batch_size
        self.learning_rate = dtype(learning_rate)
        self.momentum = dtype(momentum)
        self.weight_decay = dtype(weight_decay)
        self.theta = np.concatenate([part.ravel() for part in parameters]).astype(dtype)
        self.velocity = np.zeros_like(self.theta)
        self.gradient = np.empty_like(self.theta)
        self.spare = np.empty_like(self.theta)
        shapes = [part.shape for part in parameters]
        self.W, self.b = split(self.theta, shapes)
        self.dW, self.db = split(self.gradient, shapes)
        self.rows = np.arange(batch_size)
        widths = [b.size for b in self.b]
        # Outputs of each layer, and the gradient with respect to its weighted sums. The
        # gradient of the last layer overwrites its scores.
        self.A = [np.empty((batch_size, width), dtype) for width in widths]
        self.D = [*(np.empty_like(A) for A in self.A[:-1]), self.A[-1]]
        self.column = np.empty((batch_size, 1), dtype)
        self.batch = None if issparse(X) else np.empty((batch_size, X.shape[1]), dtype)

    def run_epoch(self, order):
        """Train on every sample once, in the given order.

        Returns
        -------
        loss : float
            Mean over the samples, measured before the update of each batch.
        """
        loss = 0
        for start in range(0, len(order), self.batch_size):
            indices = order[start : start + self.batch_size]
            if issparse(self.X):
                self.batch = self.X[indices]
            else:
                # Without mode="clip", take writes to a buffer first.
                np.take(self.X, indices, axis=0, out=self.batch, mode="clip")
            self.forward(self.batch, self.A)
            loss += self.cross_entropy(self.y[indices])
            self.backward()
            self.update()
        return loss / len(order)

    def forward(self, batch, outputs):
        """Compute the outputs of the hidden layers and the scores of the last layer."""
        for layer, A in enumerate(outputs):
            if issparse(batch):
                np.add(batch @ self.W[layer], self.b[layer], out=A)
            else:
                np.matmul(batch, self.W[layer], out=A)
                A += self.b[layer]
            if layer + 1 < len(outputs):
                np.tanh(A, out=A)
            batch = A

    def cross_entropy(self, labels):
        """Return the sum of the losses; replace scores by the gradient of the mean."""
        Z = self.A[-1]
        np.max(Z, axis=1, keepdims=True, out=self.column)
        Z -= self.column
        loss = -Z[self.rows, labels].sum()
        np.exp(Z, out=Z)
        np.sum(Z, axis=1, keepdims=True, out=self.column)
        Z /= self.column
        np.log(self.column, out=self.column)
        loss += self.column.sum()
        Z[self.rows, labels] -= 1
        Z /= self.batch_size
        return float(loss)

    def backward(self):
        """Compute the gradient of all parameters."""
        for layer in reversed(range(len(self.W))):
            D = self.D[layer]
            np.sum(D, axis=0, out=self.db[layer])
            if layer == 0:
                self.first_gradient(D)
                return
            A, before = self.A[layer - 1], self.D[layer - 1]
            np.matmul(A.T, D, out=self.dW[layer])
            np.matmul(D, self.W[layer].T, out=before)
            np.multiply(A, A, out=A)
            np.subtract(1, A, out=A)
            before *= A

    def first_gradient(self, D):
        """Compute the gradient of the first layer's weights."""
        if issparse(self.batch):
            self.dW[0][...] = self.batch.T @ D
        else:
            np.matmul(self.batch.T, D, out=self.dW[0])

    def update(self):
        """Update velocities and parameters."""
        np.multiply(self.theta, self.weight_decay, out=self.spare)
        self.gradient += self.spare
        self.velocity *= self.momentum
        self.velocity += self.gradient
        np.multiply(self.velocity, self.learning_rate, out=self.spare)
        self.theta -= self.spare

    def probabilities(self, X):
        """Compute the probabilities of the classes, one row per sample."""
        outputs = [np.empty((X.shape[0], b.size), self.theta.dtype) for b in self.b]
        self.forward(X, outputs)
        Z = outputs[-1]
        Z -= Z.max(axis=1, keepdims=True)
        np.exp(Z, out=Z)
        Z /= Z.sum(axis=1, keepdims=True)
        return Z

    def parameters(self):
        """Return weights and biases: [W, b, W, b, ...]."""
        return [part for layer in zip(self.W, self.b, strict=True) for part in layer]


def split(flat, shapes):
    """Return views of a flat array: the weights and the biases of all layers."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = [
        part.reshape(shape)
        for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)
    ]
    return parts[::2], parts[1::2]


class NumpyPeer(LoopPeer):
    """NumPy as a peer."""

    packages = ("numpy", "scipy")

    def unsupported(self, workload):
        """Say why a workload is not supported, or return None."""
        return "supports SGD only" if workload.solver != "sgd" else None

    def make(self, workload, X, y, parameters):
        """Make a loop that starts from these parameters."""
        return NumpyLoop(
            X,
            y,
            parameters,
            workload.batch_size,
            learning_rate=workload.learning_rate,
            momentum=workload.momentum,
            weight_decay=workload.weight_decay,
        )
