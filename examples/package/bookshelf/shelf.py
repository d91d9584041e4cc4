"""The books, read from a file that ships with the code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

BOOKS = Path(__file__).with_name("books.json")


@dataclass(frozen=True)
class Book:
    number: int
    title: str
    author: str


class Shelf:
    def __init__(self, books: list[Book]) -> None:
        self._books = {book.number: book for book in books}

    @classmethod
    async def load(cls, file: Path = BOOKS) -> Shelf:
        text = await asyncio.to_thread(file.read_text, encoding="utf-8")
        return cls([Book(**row) for row in json.loads(text)])

    def all(self) -> list[Book]:
        return sorted(self._books.values(), key=lambda book: book.number)

    def get(self, number: int) -> Book | None:
        return self._books.get(number)
