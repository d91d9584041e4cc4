# my_website.py
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fngen.powers import webapp

app = FastAPI()

@app.get('/')
def my_fastapi_page():
    return HTMLResponse('<h1>FastAPI on fngen</h1>')

# fngen-specific addition
@webapp(framework='fastapi', compute='server')
def live_app():
    return app
