"""The speed of cymlp compared with NumPy, scikit-learn, PyTorch and JAX."""
