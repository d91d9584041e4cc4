"""One endpoint of FastAPI with a small answer of JSON."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    return {"hello": "world", "items": [1, 2, 3]}


def live_app():
    return app
