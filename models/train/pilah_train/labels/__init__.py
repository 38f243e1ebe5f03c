"""Labels: made, photographed, rated."""
