"""Compresses batches on the CUDA device that has rendered them, so that only encoded bytes leave it."""

from heatsvc.encode.cuda.batch import DeviceCoding, can_encode, encode_batch

__all__ = ["DeviceCoding", "can_encode", "encode_batch"]
