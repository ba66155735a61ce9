"""Training configs for a dataset: PoseConv3D for PYSKL and for MMAction2, on keypoints or on limbs."""
