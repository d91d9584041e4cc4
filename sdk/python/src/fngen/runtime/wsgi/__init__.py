"""The web server of WSGI applications: Flask, Django and what is like them.

parser.py      bytes of a connection -> requests (httptools)
body.py        wsgi.input
environ.py     a request -> the environment of WSGI
answer.py      what the application says -> bytes
connection.py  one socket: receive, send, what it waits for
crew.py        the threads: who waits for connections, who serves
handoff.py     whether a request gets a thread of its own
edge.py        the outermost layer: request id, health check, drain, errors
server.py      start, drain, stop
"""
