"""The training loop that an expert would write in NumPy.

One hidden layer of tanh, cross entropy, momentum and weight decay. Every array is made
once and written to with ``out=``; the parameters, their velocities and their gradient
are flat arrays, so that the update is a handful of calls.
"""

import numpy as np


class NumpyLoop:
    """A network with one hidden layer in training.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Its dtype is what is computed in.
    y : ndarray of intp of shape (n_samples,)
        Classes, as numbers from 0.
    theta : ndarray of shape (n_parameters,)
        First parameters: weights and biases of the hidden layer, then of the output.
    n_hidden, n_classes : int
    batch_size : int
        Has to divide n_samples.
    learning_rate, momentum, weight_decay : float
    """

    def __init__(
        self, X, y, theta, n_hidden, n_classes, batch_size, *,
        learning_rate, momentum, weight_decay,
    ):  # fmt: skip
        if len(X) % batch_size:
            raise ValueError(
                f"batch_size={batch_size} does not divide {len(X)} samples"
            )
        dtype = X.dtype.type
        self.X, self.y = X, y
        self.batch_size = batch_size
        self.learning_rate = dtype(learning_rate)
        self.momentum = dtype(momentum)
        self.weight_decay = dtype(weight_decay)
        self.theta = theta.astype(dtype)
        self.velocity = np.zeros_like(self.theta)
        self.gradient = np.empty_like(self.theta)
        self.spare = np.empty_like(self.theta)
        shapes = X.shape[1], n_hidden, n_classes
        self.W1, self.b1, self.W2, self.b2 = split(self.theta, *shapes)
        self.dW1, self.db1, self.dW2, self.db2 = split(self.gradient, *shapes)
        self.rows = np.arange(batch_size)
        self.batch = np.empty((batch_size, X.shape[1]), dtype)
        self.A = np.empty((batch_size, n_hidden), dtype)
        self.dA = np.empty((batch_size, n_hidden), dtype)
        self.Z = np.empty((batch_size, n_classes), dtype)
        self.column = np.empty((batch_size, 1), dtype)

    def run_epoch(self, order):
        """Train on every sample once, in the given order.

        Returns
        -------
        loss, accuracy : float
            Means over the samples, each measured before its batch's update.
        """
        loss = correct = 0
        for start in range(0, len(order), self.batch_size):
            samples = order[start : start + self.batch_size]
            labels = self.y[samples]
            # Without mode="clip", take would write to a buffer first.
            np.take(self.X, samples, axis=0, out=self.batch, mode="clip")
            self.forward()
            correct += np.count_nonzero(self.Z.argmax(axis=1) == labels)
            loss += self.cross_entropy(labels)
            self.backward()
            self.update()
        return loss / len(order), correct / len(order)

    def forward(self):
        """Compute hidden outputs A and scores Z."""
        np.matmul(self.batch, self.W1, out=self.A)
        self.A += self.b1
        np.tanh(self.A, out=self.A)
        np.matmul(self.A, self.W2, out=self.Z)
        self.Z += self.b2

    def cross_entropy(self, labels):
        """Sum the losses; turn scores Z into the gradient of their mean."""
        np.max(self.Z, axis=1, keepdims=True, out=self.column)
        self.Z -= self.column
        loss = -self.Z[self.rows, labels].sum()
        np.exp(self.Z, out=self.Z)
        np.sum(self.Z, axis=1, keepdims=True, out=self.column)
        self.Z /= self.column
        np.log(self.column, out=self.column)
        loss += self.column.sum()
        self.Z[self.rows, labels] -= 1
        self.Z /= self.batch_size
        return float(loss)

    def backward(self):
        """Compute the gradient of all parameters."""
        np.matmul(self.A.T, self.Z, out=self.dW2)
        np.sum(self.Z, axis=0, out=self.db2)
        np.matmul(self.Z, self.W2.T, out=self.dA)
        np.multiply(self.A, self.A, out=self.A)
        np.subtract(1, self.A, out=self.A)
        self.dA *= self.A
        np.matmul(self.batch.T, self.dA, out=self.dW1)
        np.sum(self.dA, axis=0, out=self.db1)

    def update(self):
        """Do the momentum step."""
        np.multiply(self.theta, self.weight_decay, out=self.spare)
        self.gradient += self.spare
        self.velocity *= self.momentum
        self.velocity += self.gradient
        np.multiply(self.velocity, self.learning_rate, out=self.spare)
        self.theta -= self.spare


def split(flat, n_features, n_hidden, n_classes):
    """See a flat array as weights and biases of both layers."""
    shapes = [(n_features, n_hidden), (n_hidden,), (n_hidden, n_classes), (n_classes,)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [
        part.reshape(shape)
        for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)
    ]
