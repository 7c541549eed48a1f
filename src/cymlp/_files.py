"""Files that are replaced as a whole."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_file(path, content):
    """Write bytes, so that at any time the file has all of its old or new content.

    They are written to a new file in the same folder, which replaces the file once it
    is on the disk. The permissions of the file stay, and a symbolic link is followed.
    Pipes and devices are written directly.
    """
    path = Path(os.path.realpath(path))
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        path.write_bytes(content)
        return
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    part = path.with_name(f".cymlp-{secrets.token_hex(8)}.part")
    try:
        _write_new(part, content)
        if mode is not None:
            part.chmod(stat.S_IMODE(mode))
        part.replace(path)
    except OSError as error:
        # The name of the part means nothing to the user.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        with suppress(OSError):
            part.unlink()
    _flush_folder(path.parent)


def _write_new(path, content):
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder):
    """Flush the new name of a file, where the system allows it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
