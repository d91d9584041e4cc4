"""One endpoint of Flask with a small answer of JSON."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return {"hello": "world", "items": [1, 2, 3]}


def live_app():
    return app
