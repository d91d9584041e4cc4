"""Deploy Python functions: mark them with Powers, then `fngen push`."""

__version__ = "0.1.0"
