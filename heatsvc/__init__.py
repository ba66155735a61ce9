"""heatsvc: human keypoints in, Gaussian heatmap volumes out."""

__version__ = "0.1.0"
