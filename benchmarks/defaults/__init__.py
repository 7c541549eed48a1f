"""The default settings of cymlp compared with other classifiers, on raw features."""
