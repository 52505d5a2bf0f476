"""Scales, printers, cameras and readers, each with its simulator."""
