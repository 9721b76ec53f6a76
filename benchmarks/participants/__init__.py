"""One module for each way to train; each runs in a process of its own and imports nothing of glassnet's but ours.py."""
