"""A trace as pages, records and pictures."""
