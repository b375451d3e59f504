"""企业微信 WeCom: the client of its API."""
