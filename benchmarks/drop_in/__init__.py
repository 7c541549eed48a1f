"""Scripts in the style of public ones, with scikit-learn's networks or the drop-in."""
