"""The rewards: pure functions from a reading and a reference to a judgement; nothing of the web."""
