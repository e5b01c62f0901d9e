"""Every parameter of the recommender, once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RecommendParameters:
    """How candidates are retrieved, how the rankers are trained, and how the recommender is evaluated."""

    test_window_days: int = 14  # also the window of the ranker's labels; shorter where the history is short
    minimum_interactions: int = 200  # interactions; with fewer the family is skipped
    minimum_cases: int = 30  # customers in a window, below which a kind of interaction cannot be predicted
    minimum_groups: int = 200  # examples with a retrieved target, below which a fixed blend ranks

    neighbours: int = 60  # per item and relation
    reach: int = 30  # later interactions of the same customer that one interaction is paired with
    visitor_interactions: int = 300  # a user's latest interactions that count; the rest is ignored
    pair_half_life_days: float = 90.0  # a pair of interactions this old has half the weight
    anchors: int = 40  # items of a history whose neighbours are looked up
    candidates_per_relation: int = 30  # items from each relation between items
    candidates: int = 150  # of one request, after pre-ranking
    prior_candidates: int = 500  # from which the pre-ranking weights are learned
    prior_cases: int = 1_000  # examples that the pre-ranking weights are learned from
    candidates_by_visits: int = 80  # for each of several columns
    candidates_seen: int = 30  # items that the user has seen
    candidates_due: int = 30  # items that the user is due to buy again
    candidates_cold: int = 15  # items without interactions, by their attributes
    candidates_by_customers: int = 40  # for each of two columns
    candidates_by_factors: int = 40  # items by latent factors (iALS)
    factors: int = 64  # dimensions of the latent factors (iALS)
    candidates_popular: int = 40  # items that many people buy
    candidates_per_category: int = 10  # for each of the user's three main categories
    candidates_by_vector: int = 30  # items by item vectors (item2vec)

    vector_dimensions: int = 64  # dimensions of the item vectors
    vector_epochs: float = 4.0  # passes over the sessions that the item vectors are fitted to
    vector_examples: int = 4_000_000  # of item vectors in all; on a large log, the latest sessions'

    training_cases: int = 40_000  # per scenario
    stale_days: float = 2.0  # how old a bundle may be when it answers
    label_windows: int = 6  # at most, for training; earlier ones are only used while the later ones give few groups
    enough_groups: int = 3_000  # training groups, from which on no earlier window is added
    negatives_per_case: int = 40  # candidates that were not chosen, per training case
    trees: int = 150  # at most
    leaves: int = 31  # leaves per tree of the ranker
    learning_rate: float = 0.08  # of the ranker
    least_rows_per_leaf: int = 100  # rows, the least that a leaf of the ranker holds

    evaluated_cases: int = 10_000  # per scenario
    replays: int = 4  # requests that the bundle must answer as expected before it is served
