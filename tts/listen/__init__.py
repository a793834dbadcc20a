"""Listening: codes in, text out."""
