"""The uplift family."""
