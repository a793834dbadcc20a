"""Fixtures that several files share."""

pytest_plugins = ["browsing", "cli_fixtures"]
