"""Mobile clients pin our keys, and a lost or forgotten key must not lock them out."""
