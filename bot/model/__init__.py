"""模型 the language model: asked through the outbox, answered as an event; it reads data and moves nothing."""
