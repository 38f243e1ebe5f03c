"""Trains pilah's classifiers: prepare, train, quantize, calibrate, evaluate, report."""
