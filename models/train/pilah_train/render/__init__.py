"""Rendered pictures: light bulbs to train on, and simple objects for the demo. See `python -m pilah_train.render --help`."""
