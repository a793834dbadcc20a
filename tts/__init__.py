"""Text to speech: text ids and a voice prompt in, codes and waveform out."""
