"""A canteen's past, made up: seeded, plausible, in minutes; for benches, demos and tests."""
