"""How do events become a published bundle? The only place that runs training."""
