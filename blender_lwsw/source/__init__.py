"""Where frames come from: the renderer, files, the sequencer."""
