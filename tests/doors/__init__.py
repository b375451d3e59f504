"""The AI bot's and the robots' doors, from both sides."""
