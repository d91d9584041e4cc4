"""Sends tasks, each confirmed before the next: at a fixed rate, or as fast as it goes."""

import time


def send(one, first: int, count: int, per_second: int) -> None:
    """Send tasks from a number on; print the time in ns that each took, if at full speed."""
    begin = time.time_ns()
    for i in range(count):
        # The time is that of the schedule, so that a sender who is late counts.
        at = begin + i * 1_000_000_000 // per_second if per_second else time.time_ns()
        wait = (at - time.time_ns()) / 1e9
        if wait > 0:
            time.sleep(wait)
        one(n=first + i, at=at, email="a@example.com", items=[1, 2, 3], text="a few words of text")
    print((time.time_ns() - begin) // max(count, 1))
