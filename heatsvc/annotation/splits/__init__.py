"""Splits: which videos train and which test, by a split file or by a rule."""
