"""Compressing on a device: batches of volumes coded where they are drawn, so that only coded bytes leave it."""

from heatsvc.encode.cuda.batch import BatchCoding, can_encode, encode_batch

__all__ = ["BatchCoding", "can_encode", "encode_batch"]
