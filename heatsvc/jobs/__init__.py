"""Builds that survive a crash: separate worker processes build, and resume what was interrupted.

A build is a folder, and the folders are the queue: the worker that holds a build's lock builds it; a build with a
free lock and no result is waiting for a worker.
"""
