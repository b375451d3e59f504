"""Broadcasts, tried against the sandbox: the bot's real writer, delivery and client, with WeCom's rules behind."""
