"""Console: what people and programs see of the bot: JSON API, health, command bodies."""
