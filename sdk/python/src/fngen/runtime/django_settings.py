"""Django's settings as the platform needs them, whatever module they come from."""

from __future__ import annotations

from urllib.parse import urlparse


def put_static_root(directory: str) -> None:
    """Have STATIC_ROOT be directory wherever the settings set it at all.

    That it is set is how a project asks for its static files to be collected.
    The settings are not loaded yet, and may be of any module and made in any way,
    so it is their class that knows of it.
    """
    from django import conf

    class Settings(conf.Settings):  # type: ignore[misc]
        STATIC_ROOT: str | None

        def __init__(self, settings_module: str) -> None:
            super().__init__(settings_module)
            if self.STATIC_ROOT:
                self.STATIC_ROOT = directory

    conf.Settings = Settings


def static_prefix() -> str:
    """Return the path of STATIC_URL, which may be an address with a host too."""
    from django.conf import settings

    path = urlparse(settings.STATIC_URL or "").path.strip("/")
    return f"/{path}/" if path else "/"


def serves_static_files() -> bool:
    """Say whether the project serves its static files itself, by its middleware."""
    from django.conf import settings

    names = [name.lower() for name in settings.MIDDLEWARE]
    return any("whitenoise" in name or "servestatic" in name for name in names)
