"""Builds that last: made by workers apart from the service, taken up again where they were cut off."""
