"""Handlers: the conversation of one audience or source; they know who may say what and call the plays' steps."""
