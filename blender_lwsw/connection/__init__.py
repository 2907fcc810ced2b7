"""The backend: starting it, talking to it, and a job's files on their way there and back."""
