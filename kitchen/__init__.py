"""The subjects of the kitchen."""
