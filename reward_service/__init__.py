"""Plumbline's reward service: rewards that can be verified, over HTTP."""

VERSION = "0.1.0"
CONTRACT = "1"
