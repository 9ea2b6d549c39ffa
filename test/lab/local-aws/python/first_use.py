"""
Concurrent first calls: LocalEmu loads a service, and creates its stores for an account or a region, at the first use. Two
threads at the same time may each create their own, or find an incomplete one.
"""

import threading

from localemu.aws import patches
from localemu.aws.handlers.service_plugin import ServiceLoader
from localemu.services import stores


def made_once(get):
    """A store's attribute is initialized once. LocalEmu's own code reads, then writes, so that a second thread loses what it put into the overwritten value."""
    lock = threading.RLock()

    def get_alone(self, obj, objtype=None):
        with lock:
            return get(self, obj, objtype)

    return get_alone


def loaded_whole(require_service):
    """LocalEmu itself marks a service as loaded before it has routes to it: a second call at that time gets a 501."""
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
    """Must be called before LocalEmu starts."""
    for attribute in (stores.LocalAttribute, stores.CrossRegionAttribute, stores.CrossAccountAttribute):
        attribute.__get__ = made_once(attribute.__get__)
    ServiceLoader.require_service = loaded_whole(ServiceLoader.require_service)
    # The 1582 policies that AWS manages take a quarter of a second to a second in each account's first call, for which all
    # other calls wait. Nothing here attaches one.
    patches.patch_moto_iam_config = lambda: None
