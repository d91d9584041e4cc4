"""The task, for Dramatiq: python dramatiq_tasks.py FIRST COUNT PER_SECOND sends it."""

import os
import sys

import dramatiq
from body import note
from dramatiq.brokers.rabbitmq import RabbitmqBroker

broker = RabbitmqBroker(
    url=os.environ["BENCH_BROKER"], confirm_delivery=bool(os.environ.get("BENCH_CONFIRM"))
)
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="work")
def work(n: int, at: int, email: str, items: list, text: str) -> None:
    note(n, at)


if __name__ == "__main__":
    from send import send

    send(work.send, *map(int, sys.argv[1:]))
