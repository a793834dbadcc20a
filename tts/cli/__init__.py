"""The commands of `cat-tts`."""
