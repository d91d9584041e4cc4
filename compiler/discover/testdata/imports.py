"""Print the imports at the top level of files whose names come on stdin."""

import ast
import json
import sys
import unicodedata

for path in sys.stdin.read().split("\0"):
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (SyntaxError, ValueError):
        continue
    found = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            found += [f"{node.lineno} {alias.name} []" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found.append(f"{node.lineno} {module} [{' '.join(a.name for a in node.names)}]")
    print(json.dumps({"Path": path, "Facts": [unicodedata.normalize("NFKC", f) for f in found]}))
