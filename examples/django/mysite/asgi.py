"""The site as one ASGI application, and the mark that puts it online."""

import os

from django.core.asgi import get_asgi_application
from fngen.powers import webapp

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_asgi_application()


@webapp(framework="django", health="/healthz")
def site():
    return application
