"""race_first_use.py: makes threads race for what LocalEmu creates at first use, and prints what each got, as JSON."""

import json
import threading
import time
from types import SimpleNamespace

import first_use
from localemu.aws.handlers.service_plugin import ServiceLoader
from localemu.services import stores
from localemu.services.plugins import Service

THREADS = 8


def race(work):
    """Returns what each of the simultaneous threads got."""
    barrier = threading.Barrier(THREADS)
    results = [None] * THREADS

    def run(number):
        barrier.wait()
        results[number] = work()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def slowly():
    """A first value that takes a moment to create, in which all other threads request it, too."""
    time.sleep(0.05)
    return {}


class Store(stores.BaseStore):
    local = stores.LocalAttribute(default=slowly)
    region = stores.CrossRegionAttribute(default=slowly)
    account = stores.CrossAccountAttribute(default=slowly)


class Router:
    """Delays the registration of a service's routes; other calls of the service arrive in the meantime."""

    def __init__(self):
        self.learning = threading.Event()
        self.routes = 0

    def add_skeleton(self, skeleton):
        self.learning.set()
        time.sleep(0.05)
        self.routes = 1


def main():
    first_use.install()
    bundle = stores.AccountRegionBundle("sqs", Store)
    store = bundle["111111111111"]["eu-central-1"]
    different = {
        name: len({id(value) for value in race(lambda: getattr(store, name))})
        for name in ("local", "region", "account")
    }
    router = Router()
    manager = SimpleNamespace(exists=lambda name: True, require=lambda name: Service.__new__(Service))
    Service.skeleton = property(lambda self: None)
    loader = ServiceLoader(manager, router)
    context = SimpleNamespace(service=SimpleNamespace(service_name="sqs"))

    first = threading.Lock()

    def call():
        if not first.acquire(blocking=False):
            router.learning.wait()
        loader.require_service(None, context, None)
        return router.routes

    print(
        json.dumps(
            {
                "values": different,
                "routesFound": race(call),
            }
        )
    )


if __name__ == "__main__":
    main()
