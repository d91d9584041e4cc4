"""A page and a JSON endpoint. Change the greeting, push again, and reload."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fngen.powers import webapp

GREETING = "Hello from fngen"

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{greeting}</title>
<style>
  body {{ display: grid; place-content: center; min-height: 100vh; margin: 0;
         font: 1.1rem/1.6 system-ui, sans-serif; color: #222; background: #fafaf7 }}
  code {{ background: #eee; padding: .1em .4em; border-radius: .3em }}
</style>
<main>
  <h1>{greeting}</h1>
  <p>This is <code>app.py</code>. There is JSON at <a href="/ping"><code>/ping</code></a>.</p>
</main>
</html>
"""

app = FastAPI(title="hello")


@app.get("/", response_class=HTMLResponse)
def home() -> str:
    return PAGE.format(greeting=GREETING)


@app.get("/ping")
def ping() -> dict[str, str]:
    return {"ping": "pong"}


@webapp(framework="fastapi", compute="server")
def live_app() -> FastAPI:
    return app
