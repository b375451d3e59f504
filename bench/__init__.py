"""Measurements: ratios within one run on one machine. See README.md here."""
