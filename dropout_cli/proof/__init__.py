"""Is it true: the definition in exact fractions, and what is held against it."""
