"""Compressing on a device: batches of drawings coded where they are drawn, so that only coded bytes leave it."""

from heatsvc.encode.cuda.batch import BatchCoding, code_batch, codes

__all__ = ["BatchCoding", "code_batch", "codes"]
