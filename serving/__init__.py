"""How is a question answered in milliseconds? The only place that speaks HTTP."""
