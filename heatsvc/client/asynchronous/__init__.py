"""The client for asyncio, from which `synchronous/` is made."""
