"""Native: what runs in a child, for it calls libraries that strangers' bytes may bring down.

Modules here import little, so that a child starts fast and its bound on memory is left to the library.
"""
