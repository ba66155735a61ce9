"""Renders batches of volumes as tensors, with Triton on a CUDA device or with plain torch on any device."""

from heatsvc.render.cuda.batch import Method, render_batch

__all__ = ["Method", "render_batch"]
