"""Report: what a dataset is like and what was wrong with it, as JSON, as a page and as text for a terminal."""
