"""沙盒: a stand-in for WeCom on loopback, true to its protocol, its limits and its faults. It imports nothing of the
bot."""
