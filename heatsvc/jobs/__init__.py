"""Builds that last: done by worker processes apart from the service, and resumed after a crash.

A build is a folder, and the folders are the queue: whoever holds a build's lock builds it; a free lock and no result is
work to take up.
"""
