"""The two nets that read labels: the finder of text lines and the recognizer of one line."""
