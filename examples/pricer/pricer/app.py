"""The HTTP service. `python -m uvicorn pricer.app:app` serves it."""

import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Literal

import fastapi
import numpy
import pandas
import sqlalchemy
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel

from pricer import __version__
from pricer.market import UnknownInstrument, history, instruments
from pricer.model import TRADING_DAYS, option_price, volatility
from pricer.store import keep_quote, latest_quotes, open_store

app = FastAPI(title="pricer", version=__version__)
store = open_store(os.environ.get("PRICER_DATABASE", "sqlite://"))
pages = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


class Health(BaseModel):
    status: Literal["ok"]
    python: str
    numpy: str
    pandas: str
    prefix: str
    pid: int


class Price(BaseModel):
    instrument: str
    kind: Literal["call", "put"]
    spot: float
    strike: float
    days: int
    volatility: float
    price: float


@app.get("/health")
def health() -> Health:
    """Which interpreter and which environment answer here."""
    return Health(
        status="ok",
        python=platform.python_version(),
        numpy=numpy.__version__,
        pandas=pandas.__version__,
        prefix=sys.prefix,
        pid=os.getpid(),
    )


@app.get("/price")
def price(
    instrument: str,
    strike: Annotated[float, Query(gt=0)],
    days: Annotated[int, Query(gt=0, le=10 * TRADING_DAYS)] = 30,
    kind: Literal["call", "put"] = "call",
    rate: Annotated[float, Query(ge=-0.1, le=0.5)] = 0.02,
) -> Price:
    """Price of an option on an instrument, `days` trading days from its last close."""
    try:
        closes = history(instrument)
        spot, sigma = float(closes.iloc[-1]), volatility(closes)
        value = option_price(kind, spot, strike, days / TRADING_DAYS, sigma, rate)
    except UnknownInstrument as error:
        raise HTTPException(404, str(error)) from error
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    keep_quote(store, instrument, kind, strike, value)
    return Price(
        instrument=instrument, kind=kind, spot=spot, strike=strike, days=days, volatility=sigma, price=round(value, 6)
    )


@app.get("/quotes")
def quotes(limit: Annotated[int, Query(gt=0, le=100)] = 10) -> list[dict]:
    """The latest quotes this process gave."""
    return [
        {"at": q.at, "instrument": q.instrument, "kind": q.kind, "strike": q.strike, "price": q.price}
        for q in latest_quotes(store, limit)
    ]


@app.get("/", response_class=HTMLResponse)
def page() -> str:
    """For people."""
    rows = [
        {"name": name, "close": history(name).iloc[-1], "volatility": volatility(history(name))}
        for name in instruments()
    ]
    versions = {"fastapi": fastapi.__version__, "sqlalchemy": sqlalchemy.__version__}
    return pages.get_template("index.html").render(health=health(), versions=versions, rows=rows)
