import math

import numpy as np
import pandas as pd
import pytest

from pricer.model import option_price, volatility


def closed_form_call(spot: float, strike: float, years: float, sigma: float, rate: float) -> float:
    """Black and Scholes, the limit the tree goes to."""

    def normal(x: float) -> float:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    high = (math.log(spot / strike) + (rate + sigma**2 / 2) * years) / (sigma * math.sqrt(years))
    low = high - sigma * math.sqrt(years)
    return spot * normal(high) - strike * math.exp(-rate * years) * normal(low)


@pytest.mark.parametrize("strike", [80.0, 100.0, 125.0])
def test_tree_agrees_with_the_closed_form(strike):
    tree = option_price("call", 100, strike, 0.5, 0.25, 0.03)
    assert tree == pytest.approx(closed_form_call(100, strike, 0.5, 0.25, 0.03), abs=0.02)


def test_put_call_parity():
    call = option_price("call", 100, 95, 1, 0.2, 0.05)
    put = option_price("put", 100, 95, 1, 0.2, 0.05)
    assert call - put == pytest.approx(100 - 95 * math.exp(-0.05), abs=1e-9)


def test_volatility_of_a_known_series():
    up, down = 1.01, 1 / 1.01
    closes = pd.Series(100 * np.cumprod([up, down] * 30))
    returns = np.log([up, down] * 30)[1:]
    assert volatility(closes) == pytest.approx(np.std(returns, ddof=1) * math.sqrt(252))


@pytest.mark.parametrize("bad", [{"kind": "swap"}, {"sigma": 0.0}, {"rate": 50.0}])
def test_bad_input_is_refused(bad):
    with pytest.raises(ValueError, match="expected|too large"):
        option_price(**{"kind": "call", "spot": 100, "strike": 100, "years": 1, "sigma": 0.2, **bad})
