"""Live state: what happened a moment ago, beside the published bundle."""
