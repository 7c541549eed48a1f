"""The checkpoint of a call of fit: read at its begin, written after its epochs."""

import os
from pathlib import Path

from cymlp._files import write_file
from cymlp._fit.errors import warn
from cymlp._fit.training import shallow_copy
from cymlp.checkpoints import Checkpoint

# Parameters that do not change the result.
WITHOUT_INFLUENCE = {"n_threads", "verbose"}


def checked(checkpoint):
    """The argument `checkpoint` of fit."""
    if checkpoint is None or isinstance(checkpoint, Checkpoint):
        return checkpoint
    raise TypeError(
        "checkpoint must be a Checkpoint or None, such as "
        f"Checkpoint('model.safetensors'); got {checkpoint!r:.200}"
    )


class CallCheckpoint:
    """Reads and writes the file of a Checkpoint.

    `n_before` is the number of epochs of the history before the call. `has_stopped`
    tells whether training stopped there before its last epoch.
    """

    def __init__(self, checkpoint, n_before):
        self._file, self._every = Path(checkpoint.file), checkpoint.every
        self._n_before = n_before
        self._data = None
        self.has_stopped = False

    def resume(self, draft):
        """Give a draft the state in the file; return False if there is none."""
        from cymlp.export import model_file  # imports the estimators

        parameters = model_file.encoded_parameters(draft)  # refuses some
        if not self._file.exists():
            self._check_folder()
            return False
        saved, model, progress = model_file.read(self._file)
        if progress is None:
            raise self._error("is a model file, but not a checkpoint")
        if not isinstance(draft, type(saved)):
            raise self._error(f"is a checkpoint of an {type(saved).__name__}")
        self._compare(model_file.encoded_parameters(saved), parameters)
        if progress.n_before != self._n_before:
            raise self._error(
                f"is a checkpoint of a fit that began after {progress.n_before} epochs;"
                f" this one begins after {self._n_before}"
            )
        if model["version"] != model_file.VERSION:
            warn(
                f"The checkpoint {os.fspath(self._file)!r} was written by cymlp "
                f"{model['version']}; this is {model_file.VERSION}. The fit goes on, "
                "but its result may differ in the last bits",
                UserWarning,
            )
        fitted = vars(saved).keys() - saved.get_params(deep=False).keys()
        vars(draft).update((name, getattr(saved, name)) for name in fitted)
        draft.coefs_, draft.intercepts_ = progress.coefs, progress.intercepts
        draft._training_state = progress.state
        self._data, self.has_stopped = progress.data, progress.has_stopped
        return True

    def check_data(self, fingerprint):
        """Refuse to go on with data of another fingerprint."""
        if self._data not in (None, fingerprint):
            raise self._error("is a checkpoint of a fit with other data")
        self._data = fingerprint

    def end_epoch(self, draft, training, is_last, has_stopped):
        """Write the file after an epoch, if it is its turn."""
        from cymlp.export import model_file

        epoch = draft.history_.n_epochs
        if not is_last and (epoch - self._n_before) % self._every != 0:
            return
        best = draft._training_state.best.parameters or training.parameters
        model = shallow_copy(draft)
        model.coefs_, model.intercepts_ = best.coefs, best.intercepts
        content = model_file.packed(
            model,
            parameters=training.parameters,
            n_before=self._n_before,
            data=self._data,
            has_stopped=has_stopped,
        )
        write_file(self._file, content)

    def _check_folder(self):
        folder = self._file.parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"checkpoint must be a file in an existing folder; got "
                f"{os.fspath(self._file)!r}"
            )
        if not os.access(folder, os.W_OK):
            raise PermissionError(
                f"checkpoint must be in a folder that can be written; got "
                f"{os.fspath(self._file)!r}"
            )

    def _compare(self, saved, given):
        for name in saved.keys() - WITHOUT_INFLUENCE:
            if saved[name] != given[name]:
                raise self._error(
                    f"is a checkpoint of a fit with {name}={saved[name]!r:.200}; this "
                    f"one has {name}={given[name]!r:.200}"
                )

    def _error(self, reason):
        return ValueError(
            f"checkpoint={os.fspath(self._file)!r} {reason}. Delete the file to begin "
            "anew, or give another"
        )
