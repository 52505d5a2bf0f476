"""Property tests here measure nothing: a busy machine must not fail them."""

from hypothesis import settings

settings.register_profile("devices", deadline=None)
settings.load_profile("devices")
