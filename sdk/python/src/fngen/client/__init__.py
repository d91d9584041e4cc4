"""Speaks to the platform: with the API key of a person, or from a deployed function.

Nothing here is imported before it is used, and only the standard library is needed.
"""
