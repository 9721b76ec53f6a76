"""What all tests share: hypothesis without a clock, because two shared cores are no measure of a formula."""

from hypothesis import settings

settings.register_profile("glassnet", deadline=None, print_blob=True)
settings.load_profile("glassnet")
