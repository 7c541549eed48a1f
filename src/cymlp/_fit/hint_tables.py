"""Names and values of other libraries, and what to write instead.

Words on the left or in lists are in lower case, letters and digits only. In a note,
{value} is the value that was given, {estimator} the name of the class.
"""

import numpy as np

# Parameter -> its names elsewhere.
NAMES = {
    "activation": "activationfunction activations hiddenactivation nonlinearity",
    "batch_size": "batch minibatch minibatchsize",
    "class_weight": "classweights",
    "dropout": "dropoutrate droprate pdrop",
    "dtype": "precision",
    "epsilon": "eps",
    "hidden_layer_sizes": (
        "architecture hidden hiddendim hiddendims hiddenlayers hiddenlayersize "
        "hiddensize hiddensizes hiddenunits layers layersizes nhidden nunits units"
    ),
    "init": "initialization initializer kernelinitializer weightinit",
    "learning_rate": "lrscheduler lrschedule schedule scheduler",
    "learning_rate_init": "eta eta0 initiallearningrate initiallr lr stepsize",
    "loss": "criterion lossfn lossfunction objective",
    "max_iter": (
        "epoch epochs iterations maxepoch maxepochs maxiterations nbepoch nepochs "
        "niter niterations numepochs numiter"
    ),
    "monitor": "evalmetric metric metrics",
    "nesterovs_momentum": "nesterov",
    "random_state": "randomseed seed",
    "scale": "normalise normalize scaler scaling standardise standardize",
    "solver": "algorithm optim optimiser optimizer",
    "tol": "mindelta tolerance",
    "validation_fraction": "valfraction valsize validationsize validationsplit",
    "verbose": "progress verbosity",
    "warm_start": "resume",
    "weight_decay": "l2 l2reg l2regularization reglambda wd",
}

# Names without a parameter of the same meaning -> what to do.
NAME_NOTES = {
    "alpha": (
        "Write weight_decay={value} / batch_size: scikit-learn divides alpha by the "
        "size of the mini-batches."
    ),
    "betas": "Write beta_1 and beta_2, a number each.",
    "callbacks": "With scikit-learn 1.9 and later, use the method set_callbacks.",
    "device": "Leave it out: cymlp computes on the CPU.",
    "earlystoppingrounds patience": (
        "Write early_stopping=True, n_iter_no_change={value}."
    ),
    "evalset validationdata xval yval": (
        "Pass validation data to fit: fit(X, y, X_val=X_val, y_val=y_val)."
    ),
    "inputdim inputshape nclasses nfeatures noutputs numclasses": (
        "Leave it out: fit takes it from X and y."
    ),
    "maxfun": "Leave it out: only scikit-learn's solver 'lbfgs' uses it.",
    "multiclass": "Leave it out: y may have any number of classes.",
    "nhiddenlayers nlayers": (
        "Write the size of each hidden layer, such as hidden_layer_sizes=(100, 100)."
    ),
    "njobs": (
        "Leave it out. To train several networks at the same time, write "
        "cymlp.fit_many(estimators, X, y, n_jobs={value})."
    ),
    "sampleweight sampleweights": "Pass it to fit: fit(X, y, sample_weight).",
}

# The same for arguments of fit.
FIT_NOTES = {
    "callbacks": NAME_NOTES["callbacks"],
    "evalset validationdata": "Write X_val=X_val, y_val=y_val.",
    "sampleweights weights": "Write sample_weight={value}.",
    "validationsplit": (
        "Write {estimator}(early_stopping=True, validation_fraction={value})."
    ),
}

# Loss for real values -> its names elsewhere.
REGRESSION_LOSSES = {
    "huber": "huberloss smoothl1 smoothl1loss",
    "poisson": "poissonnllloss",
    "quantile": "pinball pinballloss quantileloss",
    "squared_error": "l2 meansquarederror mse mseloss squaredloss",
}

# Parameter -> value -> its names elsewhere.
VALUES = {
    "activation": {
        "hardswish": "hardsilu hswish",
        "identity": "linear none",
        "logistic": "sigmoid",
        "relu": "rectifier",
        "silu": "swish",
    },
    "class_weight": {"balanced": "auto balance true", None: "false"},
    "dropout": {0.0: "none"},
    "dtype": {"float32": "auto bfloat16 mixedfloat16"},
    "learning_rate": {
        "adaptive": "plateau reduceonplateau reducelronplateau",
        "constant": "auto fixed none",
        "invscaling": "inverse inversetime inversetimedecay",
    },
    "loss": {
        "cross_entropy": (
            "bce bceloss bcewithlogits bcewithlogitsloss binarycrossentropy "
            "categoricalcrossentropy ce crossentropyloss deviance entropy log logistic "
            "logloss multinomial nll nllloss softmax softmaxcrossentropy "
            "sparsecategoricalcrossentropy"
        ),
        "focal": "focalloss sigmoidfocalcrossentropy sigmoidfocalloss",
        "hinge": "categoricalhinge multimargin multimarginloss",
        "kl_div": "kl kld kldivergence kldivloss kullbackleibler",
        **REGRESSION_LOSSES,
    },
    "momentum": {0.0: "none"},
    "monitor": {
        "accuracy": "acc valacc valaccuracy",
        "loss": "valloss validationloss",
    },
    "n_iter_no_change": {np.inf: "0 false none"},
    "scale": {
        "minmax": "01 minmaxscaler range",
        "standard": "normalize standardize standardscaler true zscore",
        None: "false",
    },
    "solver": {
        "adam": "adadelta adagrad adamax adamw amsgrad auto nadam none radam rmsprop",
        "sgd": "gd gradientdescent momentum nesterov",
    },
    "tol": {0.0: "none"},
    "weight_decay": {0.0: "none"},
}

# Parameter -> words, or the kinds "number" and "function" -> what to do.
VALUE_NOTES = {
    "activation": {
        "function": (
            "Write an object with the methods value(U) and derivative(U, A): training "
            "needs the derivative, too."
        ),
        "softmax": (
            "The output layer has the activation that the loss needs. This parameter "
            "is for the hidden layers: write activation='relu' or 'tanh'."
        ),
    },
    "batch_size": {
        "1 all full none": ("For one step an epoch, write batch_size=len(X)."),
    },
    "class_weight": {
        "list ndarray tuple": "Write a dict of label to weight: {{0: 1, 1: 5}}.",
    },
    "dropout": {
        "number": "Write the fraction of the units to drop, such as dropout=0.5.",
    },
    "early_stopping": {
        "accuracy loss valaccuracy valloss": (
            "Write early_stopping=True, monitor={value}."
        ),
        "number": "Write early_stopping=True, n_iter_no_change={value}.",
    },
    "hidden_layer_sizes": {
        "0 none": "For a network without hidden layers write hidden_layer_sizes=().",
    },
    "init": {
        "glorot glorotnormal glorotuniform he henormal heuniform kaiming "
        "kaiminguniform lecun lecunnormal normal random uniform xavier "
        "xavieruniform": (
            "Write init='auto', which chooses a distribution for the activation, or "
            "the standard deviation of a normal distribution, such as init=0.01."
        ),
    },
    "learning_rate": {
        "number": (
            "Write learning_rate_init={value}; learning_rate is the schedule that "
            "changes it."
        ),
        "cosine exponential exponentiallr linear step steplr": (
            "Write a function of the epoch, which starts at 1, such as "
            "learning_rate=lambda epoch: 0.01 * 0.95**epoch."
        ),
    },
    "learning_rate_init": {
        "adaptive constant invscaling": (
            "Write learning_rate={value}; learning_rate_init is a number."
        ),
        "function": (
            "Pass the function as learning_rate; learning_rate_init is a number."
        ),
    },
    "loss": {
        "adam sgd": "Write solver={value}: the third argument of cymlp is the loss.",
        "crossentropy focal hinge kldiv logloss": (
            "That is a loss for classes, not for real values."
        ),
        "function": (
            "Write an object with the method value_and_gradient(Z, T): training needs "
            "the gradient, too."
        ),
        " ".join(REGRESSION_LOSSES.values())
        + " huber l1 l1loss mae meanabsoluteerror poisson quantile squarederror": (
            "That is a loss for real values. For classes write loss='cross_entropy'."
        ),
    },
    "max_iter": {
        "0 1 inf none": (
            "Write a number of epochs to train at most, such as max_iter=1000."
        ),
    },
    "random_state": {"generator": "Write an int, such as random_state=0."},
    "scale": {
        "list": "Write a tuple: scale=(shift, divisor).",
        "number": "Write scale=(0, {value}): a shift of 0 and this divisor.",
        "robust robustscaler": (
            "Write scale=(shift, divisor), with the center_ and scale_ of a fitted "
            "sklearn.preprocessing.RobustScaler, for example."
        ),
    },
    "solver": {
        "bfgs lbfgs newtoncg": (
            "It needs all samples at each step, and cymlp trains on mini-batches: "
            "write solver='adam'."
        ),
    },
    "validation_fraction": {
        "0 false none": (
            "To train on all samples write early_stopping=False, or pass validation "
            "data of your own: fit(X, y, X_val=X_val, y_val=y_val)."
        ),
        "number": "Write a fraction of the samples, such as validation_fraction=0.1.",
    },
}
