"""A published MNIST experiment, trained again and compared with its publication."""
