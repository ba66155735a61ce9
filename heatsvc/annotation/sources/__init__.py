"""Sources: where the keypoint files of a dataset are, in folders and archives, each readable on its own."""
