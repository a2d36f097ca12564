# SPDX-License-Identifier: Apache-2.0
"""Files that several starts of one program may write, and how a start ends with a sentence."""

import contextlib
import fcntl
import math
import os
import time

POLL = 0.2  # seconds


class Stop(Exception):
    """Ends the program with this exit code and a sentence."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


def write_whole(path, contents):
    """The file is there with all its contents or not at all."""
    beside = path.with_name(path.name + ".tmp")
    with open(beside, "wb") as file:
        file.write(contents if isinstance(contents, bytes) else contents.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def takes_lock(file):
    """Whether this process has the file's lock now. It is free again when the file is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def claimed(path):
    """Yields whether no other process has the file's lock, which this one then keeps."""
    with open(path, "w", encoding="utf-8") as file:
        yield takes_lock(file)


@contextlib.contextmanager
def locked(folder, patience=math.inf):
    """Waits for the folder's lock, at most so many seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    with open(folder / "lock", "w", encoding="utf-8") as file:
        while not takes_lock(file):
            if time.monotonic() > deadline:
                raise Stop(2, f"another start is at work in {folder}; wait for it, or choose another folder")
            time.sleep(POLL)
        yield
