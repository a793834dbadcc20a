"""The language model: configuration, transformers, files, weights laid out for inference."""
