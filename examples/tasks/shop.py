"""The shop's page: what is for sale, what a basket costs, and orders."""

import os
from decimal import Decimal

from fastapi import FastAPI, HTTPException
from fngen import platform
from fngen.powers import webapp

from orders import Item, total

PRICES = {"tea": Decimal("4.50"), "cup": Decimal("9.00")}

app = FastAPI(title="shop")


@app.get("/")
def for_sale() -> dict[str, Decimal]:
    return PRICES


def items_of(basket: dict[str, int]) -> list[Item]:
    unknown = sorted(set(basket) - set(PRICES))
    if unknown:
        raise HTTPException(422, f"not for sale: {', '.join(unknown)}")
    return [Item(name, PRICES[name], n) for name, n in basket.items()]


@app.post("/quote")
def quote(basket: dict[str, int]) -> dict[str, Decimal]:
    return {"total": total(items_of(basket))}


# The customer waits for neither the receipt nor the warehouse.
@app.post("/orders/{order_id}", status_code=202)
def order(order_id: int, email: str, basket: dict[str, int]) -> dict[str, str]:
    items = [{"name": item.name, "price": str(item.price), "quantity": item.quantity} for item in items_of(basket)]
    receipt = send("send_receipt", {"order_id": order_id, "email": email, "items": items})
    return {"receipt": receipt, "warehouse": send("notify_warehouse", {"order_id": order_id})}


def send(function: str, payload: dict[str, object]) -> str:
    """Run a task of this project, and return its id."""
    return platform.run_task(os.environ["FNGEN_PROJECT"], function, payload).id


@webapp(framework="fastapi")
def shop() -> FastAPI:
    return app
