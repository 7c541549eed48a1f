"""The compiled part of a fit: storage of X, layers, optimisers and the network.

    X, as given
      -> Inputs               inputs.pyx           pointer, dtype, shift and divisor
      -> store(inputs)        storage/__init__.py  dense, block sparse or CSR
      -> stored.first_layer   storage/<form>.pyx   the layer that reads X
      -> network.train_epoch  network.pyx          an epoch; for each batch:
           first.forward      storage/base.pyx     sums of the first layer
           forward            dense.pyx            scores (activations, dropout.pxd)
           apply_loss         cymlp.losses         its value and gradient (targets.pyx)
           backward           dense.pyx            gradients of the sums
           step               optimizers.pyx       new weights and slots

A team of threads (team.pyx) can share the loops over samples and over weights. Loops
over the values of X are C, in kernels/ (see include/cymlp/kernels.h).
"""
