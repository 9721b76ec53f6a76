"""When a number is not finite: where that came up first (`place`), and the story of how it came about.

A story is told once training has stopped (`teller`): the last steps are taken again from what was kept on the way
(`trail`, `retaken`), the failing number is followed to where it came from (`chain`), the cause is found by trying what
else would have happened (`cause`, `formula`, `extremes`), and all is put into records (`story`) and words (`telling`).
"""
