"""What `lwsw evaluate` is made of: reading a clip, measuring it, and saying what the numbers mean."""
