"""Code that runs in child processes, because it calls native libraries on untrusted files.

These modules import little, so that a child starts fast and leaves its memory limit to the library.
"""
