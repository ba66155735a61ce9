"""Frame counts of trimmed videos, from tables or from the videos themselves."""
