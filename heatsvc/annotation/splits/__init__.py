"""Splits videos into training and test sets, by a split file or by a rule."""
