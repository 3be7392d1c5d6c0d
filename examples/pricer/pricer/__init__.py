"""Prices options on the instruments of a small market: the example service of interpreter-runbooks."""

__version__ = "1.0.0"
