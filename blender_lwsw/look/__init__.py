"""Look development: the current frame painted small while sliders move, and sheets of variations."""
