"""Is a layer right: it is run, and what it computes and how it draws is held against dropout."""
