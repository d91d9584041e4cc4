"""Run tasks: the processes behind one @task_worker function.

One process, the zygote, imports the person's code. For each worker it forks, so that
a worker costs a millisecond and a few megabytes; where forking would not be safe, it
starts a new interpreter instead. The agent speaks to the zygote over one socket and
to each worker over another, hands out tasks, and is told what became of them. Standard
output is for the person's code alone.

A page of memory that the agent shares says which task a worker has begun and ended:
whatever kills the worker, only the task that it was at is charged with it. docs/
architecture.md has the protocol.
"""
