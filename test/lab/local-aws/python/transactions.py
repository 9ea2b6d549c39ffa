"""
DynamoDB's transactions apart from other calls. Moto's copies the whole table before it, and puts the copy back when a
condition fails: what others wrote meanwhile would be lost, and a write during the copy is an internal error.
"""

import functools
import threading

from localemu.aws.handlers.service_plugin import ServiceLoader

CALLS = ("put_item", "get_item", "query", "scan", "update_item", "delete_item", "transact_write_items")
one_at_a_time = threading.RLock()


def alone(call):
    @functools.wraps(call)
    def call_alone(*values, **named):
        with one_at_a_time:
            return call(*values, **named)

    call_alone.alone = True
    return call_alone


def patch_dynamodb():
    from moto.dynamodb.models import DynamoDBBackend

    for name in CALLS:
        call = getattr(DynamoDBBackend, name)
        if not hasattr(call, "alone"):
            setattr(DynamoDBBackend, name, alone(call))


def install():
    """To be called before LocalEmu starts, and before `first_use`, which sees to it that a service is loaded once."""
    require_service = ServiceLoader.require_service

    def require_patched(self, chain, context, response):
        require_service(self, chain, context, response)
        # Not before: few servers need it.
        if context.service is not None and context.service.service_name == "dynamodb":
            patch_dynamodb()

    ServiceLoader.require_service = require_patched
