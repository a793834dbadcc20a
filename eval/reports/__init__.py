"""From scores to tables, charts and files."""
