"""What `scripts/benchmark` measures, one module for each of its commands."""
