"""The proof: the definition in exact fractions, and the claims checked against it."""
