"""When a customer will buy next: survival models on right-censored histories."""
