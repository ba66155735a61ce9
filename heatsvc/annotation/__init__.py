"""Makes annotation pickles, from which PYSKL and MMAction2 train, from keypoint files, labels and splits."""
