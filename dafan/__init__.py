"""The words that every room shares; imports none of ours."""

__version__ = "0.1.0"
