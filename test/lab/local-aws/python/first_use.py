"""
First calls side by side: LocalEmu loads a service, and makes what an account or a region holds of it, when it is first
asked for, and two threads that ask at the same time may each make their own, or find it half made.
"""

import threading

from localemu.aws import patches
from localemu.aws.handlers.service_plugin import ServiceLoader
from localemu.services import stores


def made_once(get):
    """A store's attribute gets its first value once: LocalEmu's own looks, then writes, and what the other thread has put into the value that is overwritten is lost."""
    lock = threading.RLock()

    def get_alone(self, obj, objtype=None):
        with lock:
            return get(self, obj, objtype)

    return get_alone


def loaded_whole(require_service):
    """LocalEmu's own calls a service loaded before it has routes to it: a second call in that moment is answered 501."""
    mutex = threading.Lock()
    locks = {}
    loaded = set()

    def require_whole(self, chain, context, response):
        if context.service is None or context.service.service_name in loaded:
            return
        name = context.service.service_name
        with mutex:
            lock = locks.setdefault(name, threading.RLock())
        with lock:
            require_service(self, chain, context, response)
            loaded.add(name)

    return require_whole


def install():
    """To be called before LocalEmu starts."""
    for attribute in (stores.LocalAttribute, stores.CrossRegionAttribute, stores.CrossAccountAttribute):
        attribute.__get__ = made_once(attribute.__get__)
    ServiceLoader.require_service = loaded_whole(ServiceLoader.require_service)
    # The 1582 policies that AWS manages: a quarter of a second to a second of each account's first call, in which all
    # other calls wait. Nothing here attaches one.
    patches.patch_moto_iam_config = lambda: None
