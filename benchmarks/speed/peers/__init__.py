"""The implementations whose speed is measured."""
