"""红队 red team: hostile members and a hostile model, run through the whole bot: `python -m tests.redteam`."""
