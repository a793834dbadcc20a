"""`cat-tts book`: a whole book into chapters of sound, over `tts.batch`."""
