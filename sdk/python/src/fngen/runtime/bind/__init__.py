"""Bind the data of a task to the parameters of a function.

`signature(function)` is made once for a function: it is refused, naming each
parameter, where something cannot be made from data (`Unbindable`). It binds any
payload (`bind`), naming every field that does not fit (`Refused`), and says in
plain data what it takes (`schema`), by which the control plane refuses a payload
before it is queued (pkg/binding). The rules are those of docs/tasks.md.
"""

from fngen.runtime.bind.annotation import Unbindable
from fngen.runtime.bind.call import Signature, signature
from fngen.runtime.bind.faults import Fault, Refused
from fngen.runtime.bind.payload import decode

__all__ = ["Fault", "Refused", "Signature", "Unbindable", "decode", "signature"]
