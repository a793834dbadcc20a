"""Metrics: what is measured of sounds and transcripts."""
