"""Training of the language model; nothing at inference imports this package."""
