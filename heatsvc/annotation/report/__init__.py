"""Reports the contents and faults of a dataset, as JSON, as an HTML page and as text for a terminal."""
