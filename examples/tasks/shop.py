"""The shop's page: what is for sale, and what a basket costs."""

from decimal import Decimal

from fastapi import FastAPI, HTTPException
from fngen.powers import webapp

from orders import Item, total

PRICES = {"tea": Decimal("4.50"), "cup": Decimal("9.00")}

app = FastAPI(title="shop")


@app.get("/")
def for_sale() -> dict[str, Decimal]:
    return PRICES


@app.post("/quote")
def quote(basket: dict[str, int]) -> dict[str, Decimal]:
    unknown = sorted(set(basket) - set(PRICES))
    if unknown:
        raise HTTPException(422, f"not for sale: {', '.join(unknown)}")
    return {"total": total([Item(name, PRICES[name], n) for name, n in basket.items()])}


@webapp(framework="fastapi")
def shop() -> FastAPI:
    return app
