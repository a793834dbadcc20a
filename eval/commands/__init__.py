"""`python -m eval COMMAND`: one module each, with `main(argv) -> int`."""
