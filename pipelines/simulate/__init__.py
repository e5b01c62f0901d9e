"""A synthetic store with a known truth, which emits the events that a real store would send."""
