"""Folders for the measurements, all removed when the last one is done.

Not before: on an ext4 without a journal each new file looks past all that were removed within the last minute
(`recently_deleted` in Linux' fs/ext4/ialloc.c), so that cleaning up after one measurement would slow the next.
"""

import atexit
import functools
import pathlib
import shutil
import tempfile


@functools.cache
def root():
    path = tempfile.mkdtemp(prefix="updraft-bench-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    # PostgreSQL's server runs as another user, in a folder below.
    pathlib.Path(path).chmod(0o711)
    return path


def folder(name):
    """A new folder."""
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root()))
