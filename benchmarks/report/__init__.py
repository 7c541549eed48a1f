"""A published MNIST experiment, trained again and compared with what was published."""
