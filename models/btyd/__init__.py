"""Buy-till-you-die models: how often a customer buys, and whether they still do."""
