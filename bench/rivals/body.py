"""What each task does, whoever runs it: it notes that it ran, and how late it began."""

import mmap
import os
import time

_fd = os.open(os.environ["BENCH_SEEN"], os.O_RDWR)
_map = memoryview(mmap.mmap(_fd, 0)).cast("q")
_count = len(_map) // 2


def note(n: int, at: int) -> None:
    """Count the run of task n, and write down how long after its time it began."""
    now = time.time_ns()
    _map[_count + n] = max(now - at, 1)
    _map[n] += 1
