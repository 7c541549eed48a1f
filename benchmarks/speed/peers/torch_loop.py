"""The peer in PyTorch: a module, autograd, and an optimiser of one call a step."""

import numpy as np
import torch
from scipy.sparse import issparse
from torch.nn.functional import cross_entropy, embedding_bag
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.speed.peers.loop import LoopPeer

torch.set_num_threads(1)


class SparseLinear(torch.nn.Linear):
    """A linear layer on rows of indices and values.

    PyTorch's own way to such products: the sum of the rows of W that a sample names.
    """

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.weight = torch.nn.Parameter(torch.empty(n_in, n_out))

    def forward(self, batch):
        indices, starts, values = batch
        total = embedding_bag(
            indices, self.weight, starts, mode="sum", per_sample_weights=values
        )
        return total + self.bias


class TorchLoop:
    """A network in training, on tensors in memory."""

    def __init__(self, work, X, y, parameters):
        self.X = X if issparse(X) else torch.from_numpy(X)
        self.y = torch.from_numpy(y)
        self.batch_size = work.batch_size
        self.network = network_of(parameters, issparse(X))
        if work.solver == "sgd":
            self.optimizer = torch.optim.SGD(
                self.network.parameters(),
                lr=work.learning_rate,
                momentum=work.momentum,
                weight_decay=work.weight_decay,
                fused=True,
            )
        else:
            self.optimizer = torch.optim.Adam(
                self.network.parameters(),
                lr=work.learning_rate,
                eps=work.epsilon,
                weight_decay=work.weight_decay,
                fused=True,
            )

    def run_epoch(self, order):
        """Train on every sample once; give the mean loss."""
        loss, n_batches = torch.zeros(()), 0
        for batch, labels in self.batches(order):
            self.optimizer.zero_grad()
            value = cross_entropy(self.network(batch), labels)
            value.backward()
            self.optimizer.step()
            loss += value.detach()
            n_batches += 1
        return loss.item() / n_batches

    def batches(self, order):
        """Give the inputs and labels of each batch."""
        for samples in torch.from_numpy(order).split(self.batch_size):
            yield self.inputs(samples), self.y[samples]

    def inputs(self, samples):
        """Inputs of some samples."""
        if issparse(self.X):
            return as_bags(self.X[samples.numpy()])
        return self.X.index_select(0, samples)

    @torch.inference_mode()
    def probabilities(self, X):
        """Compute the probabilities of the classes, one row per sample."""
        batch = as_bags(X) if issparse(X) else torch.from_numpy(X)
        return self.network(batch).softmax(dim=1).numpy()

    def parameters(self):
        """Weights and biases as in NumPy, W of shape (n_in, n_out)."""
        arrays = []
        for layer in self.network[::2]:
            W = layer.weight if isinstance(layer, SparseLinear) else layer.weight.T
            arrays += [W.detach().numpy(), layer.bias.detach().numpy()]
        return arrays


class DataLoaderLoop(TorchLoop):
    """The same with the DataLoader that tutorials use."""

    def __init__(self, work, X, y, parameters):
        super().__init__(work, X, y, parameters)
        self.dataset = TensorDataset(self.X, self.y)

    def batches(self, order):
        """Give the inputs and labels of each batch."""
        return DataLoader(self.dataset, self.batch_size, sampler=order.tolist())


def network_of(parameters, sparse):
    """Make a network with the given weights and biases."""
    layers = []
    for W, b in zip(parameters[::2], parameters[1::2], strict=True):
        is_sparse = sparse and not layers
        layer = (SparseLinear if is_sparse else torch.nn.Linear)(*W.shape)
        start = np.ascontiguousarray(W if is_sparse else W.T)
        layer.weight = torch.nn.Parameter(torch.tensor(start))
        layer.bias = torch.nn.Parameter(torch.tensor(b))
        layers += [layer, torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def as_bags(X):
    """See a CSR matrix as what embedding_bag takes."""
    return (
        torch.from_numpy(X.indices),
        torch.from_numpy(X.indptr[:-1]),
        torch.from_numpy(X.data),
    )


class TorchPeer(LoopPeer):
    """PyTorch as a peer."""

    packages = ("torch",)

    def make(self, work, X, y, parameters):
        """Make a loop."""
        return TorchLoop(work, X, y, parameters)


class DataLoaderPeer(TorchPeer):
    """PyTorch with its DataLoader as a peer."""

    def refusal(self, work):
        """Say why a work is not done, if so."""
        return "makes no batches of sparse rows" if work.data == "text" else None

    def make(self, work, X, y, parameters):
        """Make a loop."""
        return DataLoaderLoop(work, X, y, parameters)
