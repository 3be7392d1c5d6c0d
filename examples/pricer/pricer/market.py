"""The market: daily closing prices of a few instruments, one column each."""

from functools import cache
from pathlib import Path

import pandas as pd

CLOSES = Path(__file__).parent / "closes.csv"


class UnknownInstrument(LookupError):
    """There are no closing prices for this name."""


@cache
def closes() -> pd.DataFrame:
    """All closing prices, indexed by day."""
    return pd.read_csv(CLOSES, index_col="day", parse_dates=["day"])


def instruments() -> list[str]:
    return list(closes().columns)


def history(instrument: str) -> pd.Series:
    """Closing prices of one instrument, oldest first."""
    if instrument not in closes().columns:
        raise UnknownInstrument(f"instrument: expected one of {', '.join(instruments())}, got {instrument!r}")
    return closes()[instrument].dropna()
