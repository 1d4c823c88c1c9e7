"""HTTP routes: they decode, hand over to the scoring engine and answer; nothing is scored here."""
