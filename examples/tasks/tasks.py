"""What the shop does later: one function for each kind of work.

A task is run at least once: when a server is lost in the middle, it is run again
on another. So each of these may be run twice and does no harm by it.
"""

import asyncio
import logging

from fngen.powers import task_worker

from orders import Item, total

logger = logging.getLogger(__name__)


@task_worker()
def send_receipt(order_id: int, email: str, items: list[Item]) -> str:
    """Write the receipt of an order, and send it."""
    lines = [f"{item.quantity} x {item.name}: {item.price}" for item in items]
    receipt = "\n".join([f"Order {order_id}", *lines, f"Total: {total(items)}"])
    logger.info("receipt of order %d goes to %s", order_id, email)
    return receipt


# Waiting takes no processor, so that one server can wait for many at once.
@task_worker(concurrency=20, timeout="30s", retries=10)
async def notify_warehouse(order_id: int, delay: float = 0.1) -> None:
    """Tell the warehouse to pack an order."""
    await asyncio.sleep(delay)
    logger.info("the warehouse knows of order %d", order_id)


@task_worker(timeout="1h", retries=1)
def close_the_books(year: int, month: int) -> dict[str, int]:
    """Sum up a month: long, and not worth many attempts."""
    return {"year": year, "month": month, "orders": 0}
