"""Code that runs in child processes, since it calls native libraries on untrusted files.

These modules import little, so that a child starts fast and its memory limit is left to the library.
"""
