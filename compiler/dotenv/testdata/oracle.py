"""Says what python-dotenv makes of files: a JSON list of texts in, a list of answers out.

An answer is null where python-dotenv skips a part of the file with a warning or gives a
name no value, else the variables in their order, those that stand twice twice.
"""

import json
import os
import sys
import tempfile

from dotenv import dotenv_values
from dotenv.parser import parse_stream


def answer(path):
    with open(path, encoding="utf-8-sig") as f:
        bindings = [b for b in parse_stream(f)]
    named = [b for b in bindings if b.key is not None]
    if any(b.error for b in bindings) or any(b.value is None for b in named):
        return None
    # With the replacements of a program that has no variable itself.
    os.environ.clear()
    values = dotenv_values(path, encoding="utf-8-sig")
    return {
        "variables": [[b.key, values[b.key]] for b in named],
        "plain": all(values[b.key] == b.value for b in named if [n.key for n in named].count(b.key) == 1),
    }


with tempfile.TemporaryDirectory() as d:
    path, out = os.path.join(d, "env"), []
    for text in json.load(sys.stdin):
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(text)
        out.append(answer(path))
json.dump(out, sys.stdout)
