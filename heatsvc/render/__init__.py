"""Pixels: the only room that computes them. A HeatmapVolume goes in; runs of non-zero pixels or an array come out."""
