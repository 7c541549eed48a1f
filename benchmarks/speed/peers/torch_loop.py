"""The peer in PyTorch: a module, autograd and a fused optimiser."""

import numpy as np
import torch
from scipy.sparse import issparse
from torch.nn.functional import cross_entropy, embedding_bag
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.speed.peers.loop import LoopPeer


class SparseLinear(torch.nn.Linear):
    """A linear layer on sparse rows, by PyTorch's weighted sum of rows of W."""

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
    """The training of one network on tensors in memory."""

    def __init__(self, workload, X, y, parameters):
        self.X = X if issparse(X) else torch.from_numpy(X)
        self.y = torch.from_numpy(y)
        self.batch_size = workload.batch_size
        self.network = network_of(parameters, issparse(X))
        if workload.solver == "sgd":
            self.optimizer = torch.optim.SGD(
                self.network.parameters(),
                lr=workload.learning_rate,
                momentum=workload.momentum,
                weight_decay=workload.weight_decay,
                fused=True,
            )
        else:
            self.optimizer = torch.optim.Adam(
                self.network.parameters(),
                lr=workload.learning_rate,
                eps=workload.epsilon,
                weight_decay=workload.weight_decay,
                fused=True,
            )

    def run_epoch(self, order):
        """Train on every sample once, and return the mean loss."""
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
        """Yield the inputs and labels of each batch."""
        for indices in torch.from_numpy(order).split(self.batch_size):
            yield self.inputs(indices), self.y[indices]

    def inputs(self, indices):
        """Return the inputs of a batch."""
        if issparse(self.X):
            return as_bags(self.X[indices.numpy()])
        return self.X.index_select(0, indices)

    @torch.inference_mode()
    def probabilities(self, X):
        """Compute the probabilities of the classes, one row per sample."""
        batch = as_bags(X) if issparse(X) else torch.from_numpy(X)
        return self.network(batch).softmax(dim=1).numpy()

    def parameters(self):
        """Return weights and biases: [W, b, W, b, ...], W of shape (n_in, n_out)."""
        arrays = []
        for layer in self.network[::2]:
            W = layer.weight if isinstance(layer, SparseLinear) else layer.weight.T
            arrays += [W.detach().numpy(), layer.bias.detach().numpy()]
        return arrays


class DataLoaderLoop(TorchLoop):
    """The training of one network with the DataLoader that tutorials use."""

    def __init__(self, workload, X, y, parameters):
        super().__init__(workload, X, y, parameters)
        self.dataset = TensorDataset(self.X, self.y)

    def batches(self, order):
        """Yield the inputs and labels of each batch."""
        return DataLoader(self.dataset, self.batch_size, sampler=order.tolist())


def network_of(parameters, sparse):
    """Make a network with these weights and biases."""
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
    """Convert a CSR matrix to the inputs of embedding_bag."""
    return (
        torch.from_numpy(X.indices),
        torch.from_numpy(X.indptr[:-1]),
        torch.from_numpy(X.data),
    )


class TorchPeer(LoopPeer):
    """PyTorch as a peer."""

    packages = ("torch",)

    def make(self, workload, X, y, parameters):
        """Make a loop that starts from these parameters."""
        return TorchLoop(workload, X, y, parameters)


class DataLoaderPeer(TorchPeer):
    """PyTorch with its DataLoader as a peer."""

    def unsupported(self, workload):
        """Say why a workload is not supported, or return None."""
        return (
            "does not support batches of sparse rows"
            if workload.data == "text"
            else None
        )

    def make(self, workload, X, y, parameters):
        """Make a loop that starts from these parameters."""
        return DataLoaderLoop(workload, X, y, parameters)
