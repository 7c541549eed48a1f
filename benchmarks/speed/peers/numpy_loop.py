"""The training loop that an expert would write in NumPy.

Layers of tanh, cross entropy, momentum and weight decay. Every array is made once and
written to with ``out=``; the parameters, their velocities and their gradient are flat
arrays, so that the update is a handful of calls. Sparse inputs take SciPy's products,
which know no ``out``.
"""

import numpy as np
from scipy.sparse import issparse

from benchmarks.speed.peers.loop import LoopPeer


class NumpyLoop:
    """A network in training.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n_samples, n_features)
        Its dtype is what is computed in.
    y : ndarray of int of shape (n_samples,)
        Classes, as numbers from 0.
    parameters : list of ndarray
        First weights and biases: W of shape (n_in, n_out), b, W, b, ...
    batch_size : int
        Has to divide n_samples.
    learning_rate, momentum, weight_decay : float
    """

    def __init__(
        self, X, y, parameters, batch_size, *, learning_rate, momentum, weight_decay
    ):
        if X.shape[0] % batch_size:
            raise ValueError(
                f"batch_size={batch_size} does not divide {X.shape[0]} samples"
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
        # Of each layer its outputs, and the gradient of the loss in its weighted sums.
        # The last layer's scores become their gradient in place.
        self.A = [np.empty((batch_size, width), dtype) for width in widths]
        self.D = [*(np.empty_like(A) for A in self.A[:-1]), self.A[-1]]
        self.column = np.empty((batch_size, 1), dtype)
        self.batch = None if issparse(X) else np.empty((batch_size, X.shape[1]), dtype)

    def run_epoch(self, order):
        """Train on every sample once, in the given order.

        Returns
        -------
        loss : float
            Mean over the samples, each measured before its batch's update.
        """
        loss = 0
        for start in range(0, len(order), self.batch_size):
            samples = order[start : start + self.batch_size]
            if issparse(self.X):
                self.batch = self.X[samples]
            else:
                # Without mode="clip", take would write to a buffer first.
                np.take(self.X, samples, axis=0, out=self.batch, mode="clip")
            self.forward(self.batch, self.A)
            loss += self.cross_entropy(self.y[samples])
            self.backward()
            self.update()
        return loss / len(order)

    def forward(self, batch, outputs):
        """Compute outputs of all layers: tanh of hidden ones, scores of the last."""
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
        """Sum the losses; turn scores into the gradient of their mean."""
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
        """Do the momentum step."""
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
        """Weights and biases, as they were given."""
        return [part for layer in zip(self.W, self.b, strict=True) for part in layer]


def split(flat, shapes):
    """See a flat array as the weights and the biases of all layers."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = [
        part.reshape(shape)
        for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)
    ]
    return parts[::2], parts[1::2]


class NumpyPeer(LoopPeer):
    """The loop as a peer."""

    packages = ("numpy", "scipy")

    def refusal(self, work):
        """Say why a work is not done, if so."""
        return "knows SGD only" if work.solver != "sgd" else None

    def make(self, work, X, y, parameters):
        """Make a loop."""
        return NumpyLoop(
            X, y, parameters, work.batch_size, learning_rate=work.learning_rate,
            momentum=work.momentum, weight_decay=work.weight_decay,
        )  # fmt: skip
