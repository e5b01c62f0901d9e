"""Items near the session in a space of item embeddings."""
