"""docs/reference/sdk.md says what the docstrings say. FNGEN_UPDATE=1 writes it anew."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "sdk.md"
MODULES = ("fngen.powers", "fngen.tasks", "fngen.platform", "fngen.testing")


def paragraphs(doc: str | None) -> list[str]:
    """Return a docstring as Markdown: what is indented behind an empty line is code."""
    out: list[str] = []
    for part in re.split(r"\n\n(?! )", inspect.cleandoc(doc or "")):
        text, *codes = re.split(r"\n\n(?=    )", part)
        # A parameter, "name: what it is", and what follows it on lines of its own.
        text = re.sub(r"\n {4,}", " ", text)
        out += [re.sub(r"^(\w+): (?=[a-z'])", r"- `\1`: ", line) for line in text.splitlines()]
        out.append("")
        for code in codes:
            out += ["```text", *inspect.cleandoc(code).splitlines(), "```", ""]
    return out


def signature(name: str, found: object) -> str:
    """Return how something is called, as it is written."""
    try:
        text = str(inspect.signature(found))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return name
    return name + re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)


def members(cls: type) -> list[tuple[str, object]]:
    """Return the public methods of a class that say something of themselves, in their order."""
    return [
        (name, value)
        for name, value in vars(cls).items()
        if inspect.isfunction(value) and value.__doc__ and not name.startswith("_")
    ]


def describe(module: ModuleType) -> list[str]:
    lines = [f"## {module.__name__}", "", *paragraphs(module.__doc__)]
    for name in module.__all__:
        found = getattr(module, name)
        own = type.__doc__ if found.__doc__ == type.__doc__ else found.__doc__
        is_error = isinstance(found, type) and issubclass(found, BaseException)
        head = name if is_error else signature(name, found)
        lines += [f"### {name}", "", "```text", head, "```", "", *paragraphs(own)]
        if isinstance(found, type):
            for method, value in members(found):
                lines += ["```text", signature(f"{name}.{method}", value), "```", ""]
                lines += paragraphs(value.__doc__)
    return lines


def page() -> str:
    lines = [
        "# The Python package",
        "",
        "Made from the docstrings by `FNGEN_UPDATE=1 pytest tests/test_reference.py`.",
        "",
    ]
    for name in MODULES:
        lines += describe(importlib.import_module(name))
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip("\n") + "\n"


def test_the_page_says_what_the_docstrings_say() -> None:
    if os.environ.get("FNGEN_UPDATE"):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_all_that_is_public_says_what_it_is() -> None:
    for name in MODULES:
        module = importlib.import_module(name)
        assert module.__doc__
        for public in module.__all__:
            assert getattr(module, public).__doc__, f"{name}.{public}"
