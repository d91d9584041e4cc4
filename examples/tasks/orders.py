"""What the shop and its tasks both know about an order."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass
class Item:
    name: str
    price: Decimal
    quantity: int = 1


def total(items: list[Item]) -> Decimal:
    return sum((item.price * item.quantity for item in items), Decimal(0))
