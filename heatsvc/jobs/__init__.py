"""Builds that survive crashes: worker processes run them, and resume interrupted ones.

A build is a folder, and the folders are the queue: the worker that holds a build's lock runs the build; a build with a
free lock and without a result waits for a worker.
"""
