"""Every parameter of the recommender, once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RecommendParameters:
    """How candidates are found, how the ranker is trained, and how the whole is judged."""

    test_window_days: int = 14  # also the window of the ranker's labels; shortened where the history is short
    minimum_interactions: int = 200
    minimum_cases: int = 30  # customers in a window, below which a kind of interaction cannot be predicted
    minimum_groups: int = 200  # customers with a found target, below which a fixed blend takes the ranker's place

    neighbours: int = 60  # per item and relation
    reach: int = 30  # later interactions of the same customer that one interaction is paired with
    visitor_interactions: int = 300  # a visitor's latest interactions that count; the rest is ignored
    pair_half_life_days: float = 90.0
    anchors: int = 40  # items of a history whose neighbours are looked up
    candidates_per_relation: int = 50
    candidates_seen: int = 50
    candidates_popular: int = 40
    candidates_per_category: int = 10  # for each of the shopper's three main categories

    training_customers: int = 12_000  # of one window
    label_windows: int = 6  # that the ranker may learn from; earlier ones are only used where the last has few groups
    enough_groups: int = 3_000
    negatives_per_customer: int = 50
    trees: int = 80
    leaves: int = 15
    learning_rate: float = 0.1
    least_rows_per_leaf: int = 50

    evaluated_customers: int = 10_000
    replays: int = 4
