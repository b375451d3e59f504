"""一年 the year: a brand's whole year through the real bot on a virtual clock, so that every page has a life to show.

Nothing is written past the bot: members join, write, buy and leave by events, staff by their words, the shop's programs
by acts of the API; time passes by the scheduler's own sweeps. WeCom is answered in the process. The same seed makes the
same year, and its trace says so.
"""
