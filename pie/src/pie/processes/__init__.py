"""Processes: one run of a program each. Their states, their events, the table of all of them. No I/O."""
