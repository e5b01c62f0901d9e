"""One small declaration per model family: features, label, model, baseline, gate."""
