"""The arithmetic: volatility from closing prices, and a European option by a binomial tree (Cox, Ross, Rubinstein)."""

import numpy as np
import pandas as pd

TRADING_DAYS = 252
"""Trading days in a year, the usual convention."""


def volatility(closes: pd.Series, window: int = 60) -> float:
    """Yearly volatility: deviation of the last `window` daily log returns, scaled by the root of the year."""
    returns = np.log(closes).diff().dropna().tail(window)
    if len(returns) < 2:
        raise ValueError(f"closes: expected at least 3 days, got {len(closes)}")
    return float(returns.std(ddof=1) * np.sqrt(TRADING_DAYS))


def option_price(
    kind: str, spot: float, strike: float, years: float, sigma: float, rate: float = 0.0, steps: int = 256
) -> float:
    """Price of a European call or put. `sigma` and `rate` are yearly fractions."""
    if kind not in ("call", "put"):
        raise ValueError(f"kind: expected call or put, got {kind!r}")
    if min(spot, strike, years, sigma) <= 0:
        raise ValueError("spot, strike, years and sigma: expected numbers above 0")
    step = years / steps
    up = np.exp(sigma * np.sqrt(step))
    growth = np.exp(rate * step)
    chance = (growth - 1 / up) / (up - 1 / up)
    if not 0 <= chance <= 1:
        raise ValueError(f"rate: {rate} is too large for a volatility of {sigma} in {steps} steps")
    ends = spot * up ** np.arange(-steps, steps + 1, 2, dtype=float)
    values = np.maximum(ends - strike, 0) if kind == "call" else np.maximum(strike - ends, 0)
    for _ in range(steps):
        values = (chance * values[1:] + (1 - chance) * values[:-1]) / growth
    return float(values[0])
