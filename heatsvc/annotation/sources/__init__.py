"""Finds the keypoint files of a dataset in folders and archives; each file can be read separately."""
