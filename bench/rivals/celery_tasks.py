"""The task, for Celery: python celery_tasks.py FIRST COUNT PER_SECOND sends it."""

import os
import sys

from body import note
from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.update(broker_transport_options={"confirm_publish": bool(os.environ.get("BENCH_CONFIRM"))})
if os.environ.get("BENCH_TUNED"):
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=64,
        broker_pool_limit=1,
        worker_send_task_events=False,
    )


@app.task(name="work")
def work(n: int, at: int, email: str, items: list, text: str) -> None:
    note(n, at)


if __name__ == "__main__":
    from send import send

    send(lambda **payload: work.apply_async(kwargs=payload), *map(int, sys.argv[1:]))
