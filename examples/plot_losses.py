"""
Training curves of losses
=========================

The same network is trained on half of the digits with four losses and three seeds each.
All fits run in threads that share one copy of the data.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from cymlp import MLPClassifier, fit_many
from cymlp.losses import CrossEntropy, Focal, Hinge
from cymlp.plots import plot_comparison, plot_grid

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(
    X / 16, y, test_size=0.5, random_state=0
)

losses = {
    "cross entropy": CrossEntropy(),
    "label smoothing": CrossEntropy(label_smoothing=0.1),
    "focal": Focal(),
    "hinge": Hinge(),
}
settings = {"batch_size": 20, "max_iter": 40, "n_iter_no_change": np.inf}
networks = {
    (name, seed): MLPClassifier((64,), "selu", loss, random_state=seed, **settings)
    for name, loss in losses.items()
    for seed in range(3)
}
fit_many(networks, X_train, y_train, X_val=X_val, y_val=y_val, n_jobs=2)

# %%
# The accuracy can be compared across losses. Lines are means over three seeds, bands
# are ranges.

histories = {
    name: [networks[name, seed].history_ for seed in range(3)] for name in losses
}
axis = plot_comparison(histories, "val_accuracy")
axis.set_ylim(0.9, 1)

# %%
# The values of the losses have different scales.

plot_grid(histories, "loss", n_columns=2, share="row", burn_in=0.1)
plt.show()
