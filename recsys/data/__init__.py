"""What a recommender knows: interactions, catalogue, sessions, and one user's history."""
