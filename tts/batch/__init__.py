"""Batch synthesis: a manifest in, sounds and a ledger out, exact resume."""
