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
    "n_threads": "nthread numthreads threadcount threads",
    "nesterovs_momentum": "nesterov",
    "random_state": "randomseed seed",
    "scale": "normalise normalize scaler scaling standardise standardize",
    "solver": "algorithm optim optimiser optimizer",
    "target_scale": (
        "normalizetarget normalizey scaletarget scaley standardizey targetscaler "
        "targetscaling ynormalizer yscale yscaler"
    ),
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
        "Leave it out: a fit uses all cores, or as many as n_threads allows. To train "
        "several networks at the same time, write "
        "cymlp.fit_many(estimators, X, y, n_jobs={value})."
    ),
    "outactivation outputactivation": (
        "Leave it out: the loss decides about the output layer."
    ),
    "sampleweight sampleweights": "Pass it to fit: fit(X, y, sample_weight).",
}

# The same for estimators of classes, and of real values.
NAME_NOTES_OF = {
    "classes": {
        "gamma": "Write loss=Focal(gamma={value}), with the class of cymlp.losses.",
    },
    "values": {
        "classweight classweights": (
            "Leave it out: only classes have weights. Those of samples are for fit: "
            "fit(X, y, sample_weight)."
        ),
        "delta": "Write loss=Huber(delta={value}), with the class of cymlp.losses.",
        "func inversefunc regressor targettransform targettransformer transformer": (
            "Wrap the regressor, as in sklearn.compose.TransformedTargetRegressor("
            "MLPRegressor(), func=numpy.log1p, inverse_func=numpy.expm1)."
        ),
        "quantile tau": "Write loss=Quantile({value}), with the class of cymlp.losses.",
    },
}

# The same for arguments of fit.
FIT_NOTES = {
    "callbacks": NAME_NOTES["callbacks"],
    "classes": "Leave it out: only partial_fit of MLPClassifier takes it.",
    "evalset validationdata": "Write X_val=X_val, y_val=y_val.",
    "sampleweights weights": "Write sample_weight={value}.",
    "validationsplit": (
        "Write {estimator}(early_stopping=True, validation_fraction={value})."
    ),
}

# Loss -> its names elsewhere.
LOSSES_OF_CLASSES = {
    "cross_entropy": (
        "bce bceloss bcewithlogits bcewithlogitsloss binarycrossentropy "
        "categoricalcrossentropy ce crossentropyloss deviance entropy log logistic "
        "logloss multinomial nll nllloss softmax softmaxcrossentropy "
        "sparsecategoricalcrossentropy"
    ),
    "focal": "focalloss sigmoidfocalcrossentropy sigmoidfocalloss",
    "hinge": "categoricalhinge multimargin multimarginloss",
    "kl_div": "kl kld kldivergence kldivloss kullbackleibler",
}
LOSSES_OF_VALUES = {
    "huber": "huberloss logcosh smoothl1 smoothl1loss",
    "poisson": "countpoisson poissonnll poissonnllloss",
    "quantile": (
        "absolute absoluteerror absoluteloss l1 l1loss mae meanabsoluteerror pinball "
        "pinballloss quantileloss"
    ),
    "squared_error": (
        "gaussian l2 l2loss leastsquares ls meansquarederror mse mseloss "
        "regsquarederror regression rmse rootmeansquarederror squared squaredloss"
    ),
}

# Names of scores, of which an estimator has one.
SCORES = (
    "acc accuracy coefficientofdetermination r2 r2score rsquared score valacc "
    "valaccuracy valr2"
)

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
        **LOSSES_OF_CLASSES,
        **LOSSES_OF_VALUES,
    },
    "momentum": {0.0: "none"},
    "monitor": {
        "accuracy": SCORES,
        "loss": (
            "mae mse neglogloss negmeansquarederror rmse vallogloss valloss valmae "
            "valmse validationloss"
        ),
        "r2": SCORES,
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
    "target_scale": {
        "standard": "auto normalize standardise standardize standardscaler true zscore",
        None: "false",
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
        "accuracy loss r2": ("Write early_stopping=True, monitor={value}."),
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
        "function": (
            "Write an object with the method value_and_gradient(Z, T): training needs "
            "the gradient, too."
        ),
        "gamma gammadeviance gaussiannll msle tweedie": (
            "Write an object with the method value_and_gradient(Z, T) for a loss of "
            "your own, or take the logarithm of y with "
            "sklearn.compose.TransformedTargetRegressor."
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
    "target_scale": {
        "list": "Write a tuple: target_scale=(shift, divisor).",
        "log log1p": (
            "Wrap the regressor: sklearn.compose.TransformedTargetRegressor("
            "MLPRegressor(), func=numpy.log1p, inverse_func=numpy.expm1)."
        ),
        "max minmax minmaxscaler range": (
            "Write target_scale=(y.min(), y.max() - y.min())."
        ),
        "number": "Write target_scale=(0, {value}): a shift of 0 and this divisor.",
        "robust robustscaler": (
            "Write target_scale=(shift, divisor), such as the median of y and its "
            "interquartile range."
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

# Kind of the targets of an estimator -> losses for another one -> what to do.
LOSS_NOTES_OF = {
    "classes": {
        " ".join([*LOSSES_OF_VALUES.values(), "huber poisson quantile squarederror"]): (
            "That is a loss for real values: use MLPRegressor to predict them. For "
            "classes write loss='cross_entropy'."
        ),
    },
    "values": {
        " ".join(
            [*LOSSES_OF_CLASSES.values(), "binaryfocal crossentropy focal hinge kldiv"]
        ): (
            "That is a loss for classes: use MLPClassifier to predict them. For real "
            "values write loss='squared_error'."
        ),
    },
}
