"""Every figure that the documentation publishes, reproducible by one command each."""
