"""The payment station."""
