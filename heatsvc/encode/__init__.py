"""Encoding: rendered tiles to bytes. A format is what a body is (npy, npz, ...), a coding how it is compressed."""
