"""What an artist can set, and what it means for a job."""
