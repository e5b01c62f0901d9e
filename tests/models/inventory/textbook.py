"""Textbook formulas of inventory, the reference of ours (Snyder and Shen 2019, Fundamentals of Supply Chain Theory).

`test_newsvendor` compares them with values of the library stockpyl 1.0.2, by the first author.
"""

from math import sqrt

from scipy.stats import norm


def newsvendor_stock(holding: float, shortage: float, mean: float, deviation: float, periods: int = 1) -> float:
    """The stock with the least cost, where demand is normal with this mean and deviation in each of the periods."""
    level = float(norm.ppf(shortage / (shortage + holding)))
    return mean * periods + level * deviation * sqrt(periods)


def economic_lot(order_cost: float, holding: float, demand: float) -> float:
    """The lot with the least cost; holding cost and demand are of the same period."""
    return sqrt(2 * order_cost * demand / holding)
