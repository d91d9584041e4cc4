"""Compares signatures and docstrings, one JSON line a file on stdin, with what CPython reads. Prints the differences."""

import ast
import inspect
import json
import sys
import warnings

warnings.simplefilter("ignore")


def functions(tree):
    """Every function of the module's own scope, by the line of its def."""
    found, queue = {}, list(tree.body)
    while queue:
        node = queue.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.lineno] = node
        elif not isinstance(node, (ast.ClassDef, ast.Lambda)):
            queue += [n for n in ast.iter_child_nodes(node) if isinstance(n, (ast.stmt, ast.ExceptHandler))]
            queue += [s for c in getattr(node, "cases", []) for s in c.body]
    return found


def parameters(args):
    positional = args.posonlyargs + args.args
    defaults = [None] * (len(positional) - len(args.defaults)) + args.defaults
    for i, (a, d) in enumerate(zip(positional, defaults)):
        yield a, "positional_only" if i < len(args.posonlyargs) else "positional_or_keyword", d
    if args.vararg:
        yield args.vararg, "var_positional", None
    for a, d in zip(args.kwonlyargs, args.kw_defaults):
        yield a, "keyword_only", d
    if args.kwarg:
        yield args.kwarg, "var_keyword", None


def same(text, node):
    """Say whether text, alone, is the same expression as node."""
    if text is None or node is None:
        return text is None and node is None
    if "\n" in text and '"""' not in text and "'''" not in text:
        return False
    call = ast.parse("f(" + text + ")", mode="eval").body
    return len(call.args) == 1 and ast.dump(call.args[0]) == ast.dump(node)


def words(text):
    return " ".join(text.split())


def first_line(node):
    doc = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
    return doc.split("\n")[0]


def compare(node, ours):
    theirs = list(parameters(node.args))
    got = [(p["name"], p["kind"]) for p in ours["parameters"]]
    want = [(a.arg, kind) for a, kind, _ in theirs]
    if got != want:
        yield "parameters %s, not %s" % (got, want)
        return
    for p, (a, _, default) in zip(ours["parameters"], theirs):
        if not same(p["annotation"], a.annotation):
            yield "annotation %r of %s" % (p["annotation"], a.arg)
        if not same(p["default"], default):
            yield "default %r of %s" % (p["default"], a.arg)
    doc = first_line(node)
    if len(doc.encode()) <= 200 and words(doc) != words(ours["doc"]):
        yield "docstring %r, not %r" % (ours["doc"], doc)


for line in sys.stdin:
    row = json.loads(line)
    with open(row["path"], "rb") as f:
        found = functions(ast.parse(f.read(), row["path"]))
    for ours in row["functions"]:
        node = found.pop(ours["line"], None)
        problems = ["no function here"] if node is None or node.name != ours["name"] else compare(node, ours)
        for p in problems:
            print("%s:%d: %s: %s" % (row["path"], ours["line"], ours["name"], p))
    if row["all"]:
        for left in found.values():
            print("%s:%d: %s was not found" % (row["path"], left.lineno, left.name))
