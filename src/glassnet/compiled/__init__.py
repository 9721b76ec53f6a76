"""Steps and predictions in machine code: what computes in bulk, and knows operations and formulas but no layers."""
