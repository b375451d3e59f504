"""知识库: files of what the shop answers, checked whole and then entered whole; what is found, what went unanswered."""
