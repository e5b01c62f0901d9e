"""What each metric of a backtest means, in a shopkeeper's words; the others are in --json and in MLflow only."""

from collections.abc import Mapping
from typing import Final

Metrics = Mapping[str, float | None]
# Metric -> what it says. "+": more is better; "-": less is better; "": neither.
MEANINGS: Final[dict[str, tuple[str, str]]] = {
    # recommend
    "overall_recall_at_20": ("+", "of the items that customers went on to choose, the share among the first 20 shown"),
    "recall_at_20": ("+", "the same, for what they chose in the weeks after"),
    "ndcg_at_10": ("+", "how far up the first 10 the chosen items stand; 1: all on top"),
    "mrr_at_20": ("+", "1 / place of the first chosen item among 20; 0.5: second"),
    "coverage": ("", "share of the items that are shown to anybody"),
    "visit_recall_at_20": ("+", "the same, for the next item of a visit under way"),
    # churn and uplift
    "auc": ("+", "how often who left had the higher risk, of one who left and one who stayed; 0.5: chance"),
    "average_precision": ("+", "mean share that left, from the top of the list down"),
    "brier": ("-", "mean squared error of the risk"),
    "ece": ("-", "how far risks are from the shares that really left, on average"),
    "lift_at_10": ("+", "how many times more left among the riskiest tenth than among all"),
    "qini": ("+", "orders gained by contacting whom the model chooses, instead of anybody"),
    "uplift_at_30": ("+", "gain in the share that orders, in the best 30 %"),
    # value and next order
    "spend_gini": ("+", "how well customers are ranked by what they then spent; 1: perfectly, 0: by chance"),
    "spend_mae": ("-", "how far the expected spend is from the real one, per customer"),
    "orders_mae": ("-", "how far the expected orders are from the real ones, per customer"),
    "spend_total_error": ("", "expected spend of all customers above (+) or below (-) the real one, as a share"),
    "error_days": ("-", "how many days the expected date of the next order is off"),
    "crps_days": ("-", "how many days the whole predicted distribution of the next order is off"),
    "dated_share": ("", "share of the customers for whom a date is given"),
    # segments
    "spend_explained": ("+", "share of the differences in later spend that the segments explain"),
    "rfm_segment_changed_share": ("-", "share of the customers whose segment changed within a week"),
    # demand and inventory
    "wape": ("-", "units that the forecast is off, as a share of the units sold"),
    "rmsse": ("-", "error against that of repeating the last day; below 1 is better than that"),
    "pinball": ("-", "units that low, median and high are off, weighted; less is better"),
    "coverage_80": ("", "share of the days that fall into the band, which should be 0.8"),
    "coverage_80_tied": ("", "share of the days that fall into the band, which should be 0.8"),
    "total_cost": ("-", "what holding stock and lost sales would have cost"),
    "holding_cost": ("-", "of that, holding stock"),
    "shortage_cost": ("-", "of that, lost sales"),
    "fill_rate": ("+", "share of the wanted units that were in stock"),
    "cycle_service": ("+", "share of the review periods without a lost sale"),
    # trends
    "called": ("", "items called rising or falling"),
    "called_confirmed_share": ("+", "of those, the share that went on in that direction"),
    "worth": ("+", "confirmed calls less what the false ones cost"),
}
_EXPLORE: Final = "explore_"


def explore_sentence(metrics: Metrics, baseline: Metrics) -> str:
    """A sentence where items that are new to the customer are recommended worse than by the baseline; else empty."""
    name = f"{_EXPLORE}recall_at_20"
    ours, theirs = metrics.get(name), baseline.get(name)
    if ours is None or theirs is None or ours >= theirs:
        return ""
    return (
        f"Worse than the baseline for items that are new to the customer: {ours:.0%} of those chosen are among the "
        f"first 20, of the baseline's {theirs:.0%}. The gain is in what customers come back to."
    )
