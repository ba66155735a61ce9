"""Rendering with torch: batches of volumes as tensors, by Triton on a CUDA device or by plain torch on any."""

from heatsvc.render.cuda.batch import Method, render_batch

__all__ = ["Method", "render_batch"]
