"""The demo canteen: the whole system on one machine, with simulated devices and real models."""
