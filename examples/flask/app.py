"""A guest book in Flask: one page with a form, a template and a health check.

What is written is kept in memory: each instance forgets it when it ends. Put a
database there before you copy this for anything else.
"""

from flask import Flask, redirect, render_template, request, url_for
from fngen.powers import webapp

MAX_LENGTH = 280

app = Flask(__name__)
entries: list[str] = []


@app.get("/")
def guest_book():
    return render_template("guest_book.html", entries=entries, max_length=MAX_LENGTH)


@app.post("/")
def sign():
    text = request.form.get("text", "").strip()[:MAX_LENGTH]
    if text:
        entries.insert(0, text)
    return redirect(url_for("guest_book"), code=303)


@app.get("/healthz")
def healthz():
    return {"ok": True}


@webapp(framework="flask", health="/healthz")
def guestbook():
    return app
