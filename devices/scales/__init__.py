"""Scales: bytes in, readings out.

`reading.py` says what a scale told; one module a protocol turns its bytes into readings;
`protocols.py` names them; `port.py` keeps a cable alive; `detect.py` finds out what hangs on it;
`simulator.py` plays a scale on a pseudo-terminal.
"""
