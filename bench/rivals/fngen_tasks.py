"""The task, for fngen."""

from body import note


def work(n: int, at: int, email: str, items: list[int], text: str) -> None:
    note(n, at)
