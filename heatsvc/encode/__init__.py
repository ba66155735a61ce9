"""Bytes: how a drawn volume leaves. A form says what the body is (npy, npz, ...), a coding how it is compressed."""
