"""One router per group of questions."""
