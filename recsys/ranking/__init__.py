"""The ranker, its features, and how its trees are evaluated fast."""
