"""Passes, derivations, masks and verifications as pages and records."""
