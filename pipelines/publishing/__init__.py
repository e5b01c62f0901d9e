"""From challengers to one published bundle."""
