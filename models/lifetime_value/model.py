"""Value: what each customer will order and spend within a horizon.

Two parts, how many orders and how dear. Each part starts from what models of the purchase history expect, which hold
for any horizon, and LightGBM learns on earlier snapshots by how much to correct them for what else is known of the
customer. Where an earlier period says that the correction does not pay, the purchase models stand alone.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from models.btyd.model import BTYDForecast
from models.churn.calibration import level_shift
from models.customers.features import MODEL_FEATURES
from models.lifetime_value.interval import ValueInterval
from models.statistics.logistic_regression import LogisticModel

PARAMETERS_FILE: Final = "parameters.json"
PARTS: Final = {"any": "binary", "orders": "poisson", "order_value": "gamma"}  # part -> LightGBM's objective
ROWS_PER_THREAD: Final = 100_000
LEAST_VALUE: Final = 0.01  # of an order: a gift is no number to take the logarithm of
LEAST_PROBABILITY: Final = 1e-9
HALVINGS: Final = 30
LARGEST_CORRECTION: Final = 2.0  # of the logarithm


@dataclass(frozen=True)
class ValueParameters:
    """Every parameter of the value family."""

    test_days: int = 90  # judged on so long a period, or a third of the history where that is less
    snapshots: int = 8
    snapshot_half_life: float = 4.0  # snapshots back after which a case counts half
    min_customers: int = 50
    min_buyers: int = 10  # who ordered again
    min_history_days: int = 56
    max_training_rows: int = 150_000
    trees: int = 200
    leaves: int = 8
    learning_rate: float = 0.03
    min_rows_per_leaf: int = 200
    leaf_penalty: float = 20.0
    inverse_penalty: float = 0.01  # of the logistic regression

    def __post_init__(self) -> None:
        if not 7 <= self.test_days <= 365:
            raise ValueError(f"test_days is {self.test_days}; allowed are 7 to 365.")
        if self.snapshots < 2:
            raise ValueError(f"snapshots is {self.snapshots}; at least 2 are needed.")


@dataclass(frozen=True)
class ValueCases:
    """Customers at snapshots, with what was expected of them within a horizon and what came of it."""

    features: np.ndarray  # (cases, len(MODEL_FEATURES))
    outlook: BTYDForecast
    orders: np.ndarray
    spend: np.ndarray
    weight: np.ndarray

    @classmethod
    def joined(cls, parts: list["ValueCases"], max_rows: int, seed: int) -> "ValueCases":
        """All cases, or a random `max_rows` of them."""
        outlook = BTYDForecast(
            *(
                np.concatenate([getattr(part.outlook, name) for part in parts])
                for name in BTYDForecast.__dataclass_fields__
            )
        )
        arrays = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("features", "orders", "spend", "weight")
        )
        features, orders, spend, weight = arrays
        if len(orders) <= max_rows:
            return cls(features, outlook, orders, spend, weight)
        rows = np.sort(np.random.default_rng(seed).choice(len(orders), max_rows, replace=False))
        return cls(features[rows], outlook.subset(rows), orders[rows], spend[rows], weight[rows])


@dataclass(frozen=True)
class Expectation:
    """What is expected within one horizon, each (customers,)."""

    probability: np.ndarray  # of at least one order
    orders: np.ndarray
    spend: np.ndarray

    @classmethod
    def of_outlook(cls, outlook: BTYDForecast) -> Self:
        """What the purchase models alone expect."""
        return cls(outlook.probability, outlook.orders, outlook.orders * outlook.order_value)


@dataclass(frozen=True)
class ValueModel:
    """Corrections of what the purchase models expect."""

    trees: dict[str, str]  # part -> LightGBM text
    logistic: LogisticModel  # of "any", averaged with its trees
    level: float = 0.0  # added to the logarithm of the orders
    odds_level: float = 0.0  # added to the log-odds of an order

    @classmethod
    def fit(cls, cases: ValueCases, parameters: ValueParameters, seed: int, threads: int) -> Self:
        """Fit to cases among whom some ordered and some did not."""
        came = (cases.orders > 0).astype(float)
        log_odds, offset = cases.outlook.log_odds, np.log(cases.outlook.orders)
        paid = (cases.orders > 0) & (cases.spend > 0)
        dear = cases.spend[paid] / cases.orders[paid]
        log_value = _log_value(cases.outlook)[paid]
        every = np.ones(len(came), bool)
        rows = {
            "any": (every, came, log_odds, cases.weight),
            "orders": (every, cases.orders, offset, cases.weight),
            "order_value": (paid, np.maximum(dear, LEAST_VALUE), log_value, (cases.weight * cases.orders)[paid]),
        }
        trees = {
            part: _fit_trees(part, cases.features[chosen], target, start, weight, parameters, seed, threads)
            for part, (chosen, target, start, weight) in rows.items()
        }
        with threadpool_limits(1, "blas"):
            logistic = LogisticModel.fit(cases.features, came, parameters.inverse_penalty, cases.weight, log_odds)
        return cls(trees, logistic)

    def levelled(self, features: np.ndarray, outlook: BTYDForecast, threads: int = 1) -> Self:
        """The same, but of these customers as many are expected, and as many orders, as the purchase models expect.

        Corrections say who orders more than others; of how much all will order, a season says little.
        """
        if len(features) == 0:
            return self
        corrected = self.expectation(features, outlook, threads)
        more = float(np.log(outlook.orders.sum() / corrected.orders.sum()))
        likelier = level_shift(logit(corrected.probability), outlook.spread_probability)
        return replace(self, level=self.level + more, odds_level=self.odds_level + likelier)

    def expectation(self, features: np.ndarray, outlook: BTYDForecast, threads: int = 1) -> Expectation:
        """Of customers with these features (customers, len(MODEL_FEATURES)) and outlook, within its horizon."""
        if len(features) == 0:
            return Expectation.of_outlook(outlook)
        likelier = (_correction(self.trees["any"], features, threads) + self.logistic.score(features)) / 2
        more = _correction(self.trees["orders"], features, threads) + self.level
        dearer = _correction(self.trees["order_value"], features, threads)
        orders = outlook.orders * np.exp(np.clip(more, -LARGEST_CORRECTION, LARGEST_CORRECTION))
        value = np.exp(_log_value(outlook) + np.clip(dearer, -LARGEST_CORRECTION, LARGEST_CORRECTION))
        return Expectation(expit(outlook.log_odds + likelier + self.odds_level), orders, orders * value)

    def write(self, folder: Path) -> dict[str, Any]:
        """Write a file per part; what remains is returned, for the family's parameters file."""
        for part, text in self.trees.items():
            (folder / f"{part}.txt").write_text(text, encoding="utf-8")
        levels = {"level": self.level, "odds_level": self.odds_level}
        return levels | {"logistic": self.logistic.to_json(), "features": list(MODEL_FEATURES)}

    @classmethod
    def read(cls, folder: Path, stored: dict[str, Any]) -> Self:
        """What `write` wrote and returned."""
        assert stored["features"] == list(MODEL_FEATURES), "written by another version, with other features"
        trees = {part: (folder / f"{part}.txt").read_text(encoding="utf-8") for part in PARTS}
        levels = float(stored["level"]), float(stored["odds_level"])
        return cls(trees, LogisticModel.from_json(stored["logistic"]), *levels)


@dataclass(frozen=True)
class ValueForecaster:
    """What is published: the corrections, or None where the purchase models stand alone, and the intervals."""

    form: str  # of the purchase models
    model: ValueModel | None
    interval: ValueInterval

    def expectation(self, features: np.ndarray, outlook: BTYDForecast, threads: int = 1) -> Expectation:
        """What is expected within the outlook's horizon."""
        if self.model is None:
            return Expectation.of_outlook(outlook)
        return self.model.expectation(features, outlook, threads)

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write parameters.json, which also repeats `facts`, and the trees, if there are any."""
        folder.mkdir(parents=True, exist_ok=True)
        stored = facts | {"form": self.form, "interval": self.interval.to_json(), "model": None}
        if self.model is not None:
            stored["model"] = self.model.write(folder)
        (folder / PARAMETERS_FILE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote."""
        stored = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        model = None if stored["model"] is None else ValueModel.read(folder, stored["model"])
        return cls(stored["form"], model, ValueInterval.from_json(stored["interval"]))


def point_orders(expected: Expectation) -> np.ndarray:
    """One number of orders per customer that errs little, absolutely and squared, (customers,); the total is kept.

    The mean serves squares and sums, but of somebody who will probably not come absolute errors ask for 0. This is the
    forecast d of least expected |error| + error^2 among those of the same total, where the orders, if there are any,
    are geometric: low expectations are lowered, and the others raised in return.
    """
    mean = expected.orders
    probability = np.minimum(expected.probability, mean)
    if_any = np.maximum(mean / np.maximum(probability, LEAST_PROBABILITY), 1.0)

    def forecast(price: float) -> np.ndarray:
        low, high = np.zeros(len(mean)), mean + 1.0 + abs(price)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            more = probability * (1 - 1 / if_any) ** np.floor(middle)  # P(more than that many orders)
            is_high = 2 * (1 - more) - 1 + 2 * (middle - mean) > price
            low, high = np.where(is_high, low, middle), np.where(is_high, middle, high)
        return high

    cheap, dear = -1.0, 1.0
    for _ in range(HALVINGS):
        price = (cheap + dear) / 2
        cheap, dear = (price, dear) if forecast(price).sum() < mean.sum() else (cheap, price)
    return forecast((cheap + dear) / 2)


def median_orders(probability: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The median number of orders, where those, if there are any, are geometric, (customers,) of whole numbers."""
    probability = np.minimum(probability, mean)
    if_any = np.maximum(mean / np.maximum(probability, LEAST_PROBABILITY), 1.0)
    again = np.maximum(1 - 1 / if_any, LEAST_PROBABILITY)  # P(one more), having come
    # The first number that is exceeded with a probability of no more than one half.
    median: np.ndarray = np.ceil(np.maximum(np.log(2 * np.maximum(probability, 0.5)) / -np.log(again), 0.0))
    return median


def spend_deviance(spend: np.ndarray, expected: np.ndarray) -> float:
    """Mean Tweedie deviance of power 1.5, which is least for the true expectation and knows that many spend nothing."""
    mean = np.maximum(expected, LEAST_VALUE)
    return float((4 * np.sqrt(mean) + 4 * spend / np.sqrt(mean) - 8 * np.sqrt(spend)).mean())


def _log_value(outlook: BTYDForecast) -> np.ndarray:
    log_value: np.ndarray = np.log(np.maximum(outlook.order_value, LEAST_VALUE))
    return log_value


def _correction(trees: str, features: np.ndarray, threads: int) -> np.ndarray:
    return np.asarray(lgb.Booster(model_str=trees).predict(features, raw_score=True, num_threads=threads))


def _fit_trees(
    part: str,
    features: np.ndarray,
    target: np.ndarray,
    start: np.ndarray,
    weight: np.ndarray,
    parameters: ValueParameters,
    seed: int,
    threads: int,
) -> str:
    settings = {
        "objective": PARTS[part],
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": min(parameters.min_rows_per_leaf, max(len(target) // 20, 1)),
        "lambda_l2": parameters.leaf_penalty,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": min(threads, 1 + len(target) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    rows = lgb.Dataset(features, target, weight=weight, init_score=start, feature_name=list(MODEL_FEATURES))
    return str(lgb.train(settings, rows, parameters.trees).model_to_string())
