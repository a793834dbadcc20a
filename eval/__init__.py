"""Metrics over wav and text, and the experiments built on them. Import from the submodules."""
