"""Reads frame counts of trimmed videos, from tables or by counting the frames of videos."""
