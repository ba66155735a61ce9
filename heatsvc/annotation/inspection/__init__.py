"""Inspects an annotation pickle: its contents, and whether PYSKL and MMAction2 can train from it."""
