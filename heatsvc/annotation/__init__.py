"""Annotation: keypoint files, labels and splits as the pickle that PYSKL and MMAction2 train from."""
