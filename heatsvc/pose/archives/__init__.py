"""Reads untrusted archives: zip and tar, compressed files, names in any encoding, and clips in frame files."""
