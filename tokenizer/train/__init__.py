"""Training of the CAT tokenizer; nothing at inference imports this package."""
