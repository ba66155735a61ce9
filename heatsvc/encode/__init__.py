"""Encodes rendered tiles as bytes, in a format (npy, npz, ...) and a content coding, which compresses it."""
