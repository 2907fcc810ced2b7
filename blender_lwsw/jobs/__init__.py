"""One job: what it will do, how it goes on, and how that is told."""
