"""Data in blocks, and studies that prune by the validation curve."""

import tracemalloc

import numpy as np
import optuna
import pytest
from dask import array
from helpers import (
    assert_same_history,
    assert_same_weights,
    make_mlp,
    needs_callbacks,
)

# Data that are not in memory as a whole


def in_parts(X, y, size):
    """As slices, of which a memory map reads one at a time."""
    for start in range(0, len(X), size):
        yield X[start : start + size], y[start : start + size]


def in_blocks(X, y):
    """As the blocks of Dask arrays, computed one at a time."""
    for i in range(X.numblocks[0]):
        yield array.compute(X.blocks[i], y.blocks[i])


def trained(blocks, n_epochs=3):
    mlp = make_mlp(batch_size=20)
    for _ in range(n_epochs):
        for X, y in blocks():
            mlp.partial_fit(X, y, classes=[0, 1, 2])
    return mlp


@pytest.mark.parametrize("size", [120, 40, 50])
@pytest.mark.parametrize("kind", ["memory map", "dask"])
def test_blocks_teach_what_the_same_rows_in_memory_do(
    three_classes, tmp_path, kind, size
):
    X, y = three_classes
    np.save(tmp_path / "X.npy", X)
    X_map = np.load(tmp_path / "X.npy", mmap_mode="r")

    def blocks():
        if kind == "memory map":
            return in_parts(X_map, y, size)
        return in_blocks(
            array.from_array(X_map, chunks=(size, -1)), array.from_array(y, chunks=size)
        )

    mlp = trained(blocks)
    in_memory = trained(lambda: in_parts(X, y, size))
    assert_same_weights(mlp, in_memory)
    assert_same_history(mlp, in_memory)
    assert mlp.history_.n_epochs == 3 * -(-120 // size)


def test_one_block_of_a_dask_array_is_in_memory_at_a_time():
    X = array.random.default_rng(0).random((40_000, 100), chunks=(2_000, -1))
    X = X.astype("float32")
    y = (X[:, 0] > X[:, 1]).astype(int)
    mlp = make_mlp()
    mlp.partial_fit(*next(in_blocks(X, y)), classes=[0, 1])  # imports and caches
    tracemalloc.start()
    for X_block, y_block in in_blocks(X, y):
        mlp.partial_fit(X_block, y_block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A block in float64, as it is drawn, has a tenth of X, and there is the one before.
    assert peak < 0.4 * X.nbytes
    assert mlp.score(X_block, y_block) > 0.9


# Studies


GRID = {
    "learning_rate_init": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
    "activation": ["tanh", "relu"],
}
N_EPOCHS = 30


class Pruning:
    """A callback that tells a trial of every epoch, and ends the fit when told to."""

    def __init__(self, trial):
        self.trial = trial

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            loss = fitted_estimator.history_["val_loss"][-1]
            self.trial.report(loss, context.task_id)
            return self.trial.should_prune()
        return False


def train_in_one_call(mlp, trial, *data, **validation):
    mlp.set_params(max_iter=N_EPOCHS).set_callbacks(Pruning(trial))
    mlp.fit(*data, **validation)
    return mlp.n_iter_ < N_EPOCHS


def train_epoch_by_epoch(mlp, trial, *data, **validation):
    mlp.set_params(max_iter=1, warm_start=True)
    for epoch in range(N_EPOCHS):
        mlp.fit(*data, **validation)
        trial.report(mlp.history_["val_loss"][-1], epoch)
        if trial.should_prune():
            return True
    return False


@pytest.mark.filterwarnings("ignore:Training has learned little")
@pytest.mark.parametrize(
    "train",
    [train_epoch_by_epoch, pytest.param(train_in_one_call, marks=needs_callbacks)],
)
def test_a_study_prunes_by_the_validation_curve_and_finds_the_best(
    three_classes, train
):
    X, y = three_classes
    data = X[:80], y[:80]
    validation = {"X_val": X[80:], "y_val": y[80:]}

    def study(pruner):
        epochs = []

        def objective(trial):
            mlp = make_mlp(
                batch_size=20,
                **{
                    name: trial.suggest_categorical(name, values)
                    for name, values in GRID.items()
                },
            )
            pruned = train(mlp, trial, *data, **validation)
            epochs.append(mlp.history_.n_epochs)
            if pruned:
                raise optuna.TrialPruned
            return mlp.history_["val_loss"][-1]

        sampler = optuna.samplers.GridSampler(GRID, seed=0)
        study = optuna.create_study(sampler=sampler, pruner=pruner)
        study.optimize(objective, n_trials=10)
        return study, epochs

    everything, all_epochs = study(optuna.pruners.NopPruner())
    assert all_epochs == [N_EPOCHS] * 10
    pruning, epochs = study(
        optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=3)
    )
    assert pruning.best_params == everything.best_params
    assert pruning.best_value == everything.best_value
    pruned = [trial.state.name == "PRUNED" for trial in pruning.trials]
    assert sum(pruned) >= 3
    for trial, n_epochs, early in zip(pruning.trials, epochs, pruned, strict=True):
        # As many epochs have been trained as the trial has heard of.
        assert list(trial.intermediate_values) == list(range(n_epochs))
        assert (n_epochs < N_EPOCHS) == early
    assert sum(epochs) < 0.7 * sum(all_epochs)
