"""Commands that have a room of their own: a file a command."""
