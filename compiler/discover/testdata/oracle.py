"""Prints what CPython's own parser sees in each file named on stdin, one JSON line a file.

The files are below the directory that is the only argument, if there is one.
"""

import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")


def dotted(expr):
    chain = []
    while True:
        chain.append(expr)
        if isinstance(expr, ast.Call):
            expr = expr.func
        elif isinstance(expr, (ast.Attribute, ast.Subscript)):
            expr = expr.value
        else:
            break
    if not isinstance(expr, ast.Name):
        return ""
    text = expr.id
    for outer in reversed(chain[:-1]):
        if not isinstance(outer, ast.Attribute):
            break
        text += "." + outer.attr
    return text


def parameters(args):
    out = []
    positional = getattr(args, "posonlyargs", []) + args.args
    first_default = len(positional) - len(args.defaults)
    for i, a in enumerate(positional):
        kind = "positional_only" if i < len(getattr(args, "posonlyargs", [])) else "positional_or_keyword"
        out.append(show(a, kind, i >= first_default))
    if args.vararg:
        out.append(show(args.vararg, "var_positional", False))
    for a, d in zip(args.kwonlyargs, args.kw_defaults):
        out.append(show(a, "keyword_only", d is not None))
    if args.kwarg:
        out.append(show(args.kwarg, "var_keyword", False))
    return "".join(out)


def show(arg, kind, default):
    return " %s:%s%s%s" % (arg.arg, kind, ":a" if arg.annotation else "", ":d" if default else "")


def facts(tree):
    for n in ast.walk(tree):
        if isinstance(n, ast.Import):
            for a in n.names:
                yield "import %d %s" % (n.lineno, a.name + (" as " + a.asname if a.asname else ""))
        elif isinstance(n, ast.ImportFrom):
            for a in n.names:
                yield "from %d %s" % (n.lineno, "." * n.level + (n.module or "") + " " + a.name + (" as " + a.asname if a.asname else ""))
        elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield "def %d %s%s" % (n.lineno, n.name, parameters(n.args))
        elif isinstance(n, ast.ClassDef):
            yield "class %d %s" % (n.lineno, n.name)
        for d in getattr(n, "decorator_list", []):
            yield "decorator %d %s" % (d.lineno, dotted(d))


root = sys.argv[1] if len(sys.argv) > 1 else ""
for path in sys.stdin.read().split("\0"):
    if not path:
        continue
    row = {"path": path, "ok": True, "error": "", "line": 0, "facts": []}
    try:
        with open(root + path, "rb") as f:
            tree = ast.parse(f.read(), path)
        row["facts"] = sorted(facts(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        row.update(ok=False, error=str(e), line=getattr(e, "lineno", 0) or 0)
    print(json.dumps(row))
