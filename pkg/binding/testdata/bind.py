"""Write the schemas of functions.py, a line each; then answer payloads, a line each."""

import json
import sys

import functions
from fngen.runtime.bind import Refused, decode, signature

signatures = [signature(f) for f in functions.ALL]
for one in signatures:
    print(json.dumps(one.schema()), flush=True)
print(flush=True)
for line in sys.stdin.buffer:
    number, _, payload = line.rstrip(b"\n").partition(b" ")
    try:
        signatures[int(number)].bind(decode(payload))
        print("[]", flush=True)
    except Refused as refused:
        print(json.dumps([fault["loc"] for fault in refused.plain()]), flush=True)
