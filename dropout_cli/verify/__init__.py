"""Is an implementation right: its values and its masks are compared with those of dropout."""
