"""The kitchen of the demo: what stands in it, and a day that it has had."""
