"""Negative controls: the guards of the promotion plays taken out one at a time; a machine must see each one missing."""
