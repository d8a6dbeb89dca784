"""What the API server makes of an object that somebody writes: what it fills in, and what it refuses; pure.

`validation` has a function for each kind and asks the others for the parts; `jobs` and `granting` do both for theirs.
"""
