from fastapi import APIRouter, HTTPException, Request

from ..shelf import Book

router = APIRouter(prefix="/books")


@router.get("")
def books(request: Request) -> list[Book]:
    return request.app.state.shelf.all()


@router.get("/{number}")
def book(request: Request, number: int) -> Book:
    found = request.app.state.shelf.get(number)
    if found is None:
        raise HTTPException(404, f"there is no book {number}")
    return found
