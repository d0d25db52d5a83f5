"""Verification: the values and masks of an implementation, compared with those of dropout."""
