"""A deterministic simulator of sync under attack: real code on simulated disks, network and clocks.

See ``docs/simulation.md``.
"""
