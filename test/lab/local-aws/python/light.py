"""Skips work that LocalEmu repeats at each start, or more often than necessary."""

import functools
import gc
import os
import sys

from localemu.aws import spec
from localemu.aws.handlers.logging import ResponseLogger
from localemu.dashboard import plugins as dashboard
from localemu.services.cloudtrail import recording_hook
from moto.core import responses

# A loaded service leaves some hundred thousand permanent objects, which Python's garbage collector would check again
# and again while it answers requests.
GARBAGE_THRESHOLDS = (50_000, 20, 100)


def built_once(build):
    """LocalEmu's index of AWS's services, which takes seconds to build, is kept with the installation for later servers."""

    def load_or_build(file_path):
        kept = os.path.join(sys.prefix, os.path.basename(file_path))
        if not os.path.exists(kept):
            fresh = f"{kept}.{os.getpid()}"
            build(fresh)
            os.rename(fresh, kept)
        return spec.load_service_index_cache(kept)

    return load_or_build


def of_failures(log):
    """Logs only failed calls: a line per answer is a considerable part of each call, and the proxy records all calls."""

    def log_failure(self, context, response):
        if response.status_code >= 400:
            log(self, context, response)

    return log_failure


def install():
    """Must be called before LocalEmu starts."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    # Each call would be stored as an event, and sent to the account's event bus by one more call to the server itself.
    # Trails deliver nothing here anyway.
    recording_hook.register_recording_hook = lambda: None
    # Names of a class's methods, which each call looks up: a quarter of most calls.
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    ResponseLogger._log = of_failures(ResponseLogger._log)
    # A third of the start.
    dashboard._dashboard_registered = True
    spec.build_service_index_cache = built_once(spec.build_service_index_cache)
