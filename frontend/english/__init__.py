"""English words to phonemes: dictionary, homographs, unknown words."""
