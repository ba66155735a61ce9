"""Reads labels: merges tables and label maps of several formats, filters the videos, and assigns class indices."""
