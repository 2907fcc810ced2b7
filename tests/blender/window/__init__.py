"""The checks of window_check.py: a module per subject, each a generator that yields how many seconds Blender shall go on by itself."""
