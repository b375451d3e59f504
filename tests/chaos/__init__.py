"""Small chaos: the real bot, killed and lied to, judged by someone who knows only the script and the evidence."""
