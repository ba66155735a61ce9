"""The client for threads, from which `synchronous/` is made."""

# Made from heatsvc/client/asynchronous/__init__.py by `make client`.
