"""Look development: one picture, or a sheet of variations, that is painted while its settings change."""
