"""Archives from untrusted senders: zip and tar, compressed files, names of any encoding, and clips in frame files."""
