"""What is computed: storage of X, layers, optimisers and the network, compiled."""
