"""
DynamoDB transactions that are isolated from other calls. Moto copies the whole table before a transaction, and restores the
copy if a condition fails: concurrent writes would be lost, and a write during the copy is an internal error.

Moto makes a deep copy of the table for each item of the transaction: a quarter of the local AWS's work for the integration
tests. If no item is changed in place, a copy of the table's own dictionaries is enough.
"""

import copy
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


def copy_of(table):
    copied = copy.copy(table)
    copied.items = table.items.copy()
    for key, value in copied.items.items():
        if isinstance(value, dict):
            copied.items[key] = dict(value)
    return copied


def copied_once(transact_write_items):
    @functools.wraps(transact_write_items)
    def write_items(backend, transact_items):
        # Only an update changes an item in place.
        if any("Update" in item for item in transact_items):
            return transact_write_items(backend, transact_items)
        copies = {}

        def copied(table, memo):
            if table.name not in copies:
                copies[table.name] = copy_of(table)
            return copies[table.name]

        from moto.dynamodb.models.table import Table

        Table.__deepcopy__ = copied
        try:
            return transact_write_items(backend, transact_items)
        finally:
            del Table.__deepcopy__

    return write_items


def patch_dynamodb():
    from moto.dynamodb.models import DynamoDBBackend

    for name in CALLS:
        call = getattr(DynamoDBBackend, name)
        if not hasattr(call, "alone"):
            if name == "transact_write_items":
                call = copied_once(call)
            setattr(DynamoDBBackend, name, alone(call))


def install():
    """Must be called before LocalEmu starts, and before `first_use`, which makes sure that a service is loaded once."""
    require_service = ServiceLoader.require_service

    def require_patched(self, chain, context, response):
        require_service(self, chain, context, response)
        # Not earlier: few servers need it.
        if context.service is not None and context.service.service_name == "dynamodb":
            patch_dynamodb()

    ServiceLoader.require_service = require_patched
