package load

import "fmt"

// app answers all that Everything asks.
const app = `import asyncio

from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from fngen.powers import webapp

VERSION = %d

app = FastAPI()
seen = set()


@app.get("/")
async def index():
    return {"version": VERSION}


@app.post("/echo")
async def echo(request: Request):
    body = await request.body()
    id = request.headers["load-id"]
    if id in seen:
        return Response("this came before", status_code=409)
    seen.add(id)
    return Response(body, media_type="application/octet-stream")


@app.get("/stream")
async def stream():
    async def chunks():
        for i in range(20):
            yield f"{VERSION} chunk {i}\n"
            await asyncio.sleep(0.25)

    return StreamingResponse(chunks(), media_type="text/plain")


@app.websocket("/ws")
async def echo_messages(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


@webapp(framework="fastapi")
def live_app():
    return app
`

// App is the source of a FastAPI app that answers all that Everything asks. Two
// versions differ in one line.
func App(version int) string { return fmt.Sprintf(app, version) }

// OneServer and ThreeServers are fleets, in the words of fngen.yml, on which a
// push must not cost a request: where the old and the new instance are on one
// machine, and where a push is instances on three, each of which comes up in its
// own time.
const (
	OneServer = `servers:
  - {name: web, size: m, region: eu-central}
`
	ThreeServers = `servers:
  - {name: small, size: s, region: us-west}
  - {name: large, size: xl, region: us-west}
  - {name: far, size: m, region: eu-central}
`
)
