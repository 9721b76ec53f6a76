"""What can be seen of a network, a question to a room: explain a weight, look, landscape, features, curve, sensitivity.

Each room is imported by itself, so that a question loads no more than it needs.
"""
