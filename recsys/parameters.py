"""Every parameter of the recommender, once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RecommendParameters:
    """How candidates are retrieved, how the rankers are trained, and how the recommender is evaluated."""

    test_window_days: int = 14  # also the window of the ranker's labels; shorter where the history is short
    minimum_interactions: int = 200
    minimum_cases: int = 30  # customers in a window, below which a kind of interaction cannot be predicted
    minimum_groups: int = 200  # examples with a retrieved target, below which a fixed blend ranks

    neighbours: int = 60  # per item and relation
    reach: int = 30  # later interactions of the same customer that one interaction is paired with
    visitor_interactions: int = 300  # a user's latest interactions that count; the rest is ignored
    pair_half_life_days: float = 90.0
    anchors: int = 40  # items of a history whose neighbours are looked up
    candidates_per_relation: int = 30
    candidates: int = 150  # of one request, after pre-ranking
    prior_candidates: int = 500  # from which the pre-ranking weights are learned
    prior_cases: int = 1_000  # examples that the pre-ranking weights are learned from
    candidates_by_visits: int = 80  # for each of several columns
    candidates_seen: int = 30
    candidates_due: int = 30
    candidates_cold: int = 15
    candidates_by_customers: int = 40  # for each of two columns
    candidates_by_factors: int = 40
    factors: int = 64
    candidates_popular: int = 40
    candidates_per_category: int = 10  # for each of the user's three main categories
    candidates_by_vector: int = 30

    vector_dimensions: int = 64
    vector_epochs: float = 4.0
    vector_examples: int = 4_000_000  # of item vectors in all; on a large log, the latest sessions'

    training_cases: int = 40_000  # per scenario
    stale_days: float = 2.0  # how old a bundle may be when it answers
    label_windows: int = 6  # at most, for training; earlier ones are only used while the later ones give few groups
    enough_groups: int = 3_000
    negatives_per_case: int = 40
    trees: int = 150  # at most
    leaves: int = 31
    learning_rate: float = 0.08
    least_rows_per_leaf: int = 100

    evaluated_cases: int = 10_000  # per scenario
    replays: int = 4
