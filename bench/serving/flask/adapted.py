"""The application as one of ASGI, for a server that knows nothing else."""

from a2wsgi import WSGIMiddleware
from app import app as wsgi

app = WSGIMiddleware(wsgi)
