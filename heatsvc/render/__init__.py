"""Renders volumes: from a HeatmapVolume to runs of non-zero pixels, patches or an array."""
