"""A package with a factory: nothing is made before create_app is called."""

from .main import create_app

__all__ = ["create_app"]
