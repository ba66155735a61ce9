"""Labels: tables and label maps of several formats, merged, filtered and numbered."""
