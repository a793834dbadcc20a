"""From a piece of text and a prompt to sound, frame by frame."""
