"""Tests of the plays."""
