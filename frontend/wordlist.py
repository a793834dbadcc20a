"""Word lists in source files are written as running text."""


def words(text: str) -> tuple[str, ...]:
    """Cut a text at white space."""
    return tuple(text.split())
