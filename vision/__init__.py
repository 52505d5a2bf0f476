"""Frames in, people out."""
