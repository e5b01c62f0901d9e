"""What a campaign changes, learned from randomized experiments."""
