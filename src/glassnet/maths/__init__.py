"""Formulas as records: value, slope, domain and range, LaTeX and source. No arrays are owned here."""
