"""Export and erase what is held of one person, in every store."""
