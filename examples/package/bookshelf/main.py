"""Put the application together, and mark it."""

from fastapi import FastAPI
from fngen.powers import webapp

from .routes import books
from .shelf import Shelf


def create_app(shelf: Shelf) -> FastAPI:
    """Make the application on a shelf: a test brings its own."""
    app = FastAPI(title="bookshelf")
    app.state.shelf = shelf
    app.include_router(books.router)
    return app


@webapp(framework="fastapi", health="/books")
async def bookshelf() -> FastAPI:
    return create_app(await Shelf.load())
