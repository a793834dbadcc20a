"""CAT audio tokenizer: waveform <-> codes, with nothing but causal Transformers."""
