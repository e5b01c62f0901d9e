"""The recommender's data: interactions, catalogue, sessions, and the history of a user."""
