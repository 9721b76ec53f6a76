"""Speed of glassnet against other ways to train the same networks; README.md says how to run it."""
