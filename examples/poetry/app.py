"""Turns titles into names for addresses, with its dependencies locked by Poetry.

poetry.lock says which versions are installed, and the hashes of their files.
"""

from flask import Flask, request
from fngen.powers import webapp
from slugify import slugify

app = Flask(__name__)


@app.get("/")
def slug():
    title = request.args.get("title", "Locked by Poetry")
    return {"title": title, "slug": slugify(title)}


@webapp(framework="flask")
def slugs():
    return app
