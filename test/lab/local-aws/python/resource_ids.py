"""
Resource ids of DB instances, which link a snapshot to its instance: each instance has a unique one, and keeps it
when it is renamed. In moto, all instances have the same one.
"""

import random
import string

from localemu.aws.handlers.service_plugin import ServiceLoader


def patch_rds():
    from moto.rds.models import DBInstance

    make = DBInstance.__init__

    def make_with_id(self, *values, **named):
        make(self, *values, **named)
        self.dbi_resource_id = "db-" + "".join(random.choices(string.ascii_uppercase + string.digits, k=26))

    DBInstance.__init__ = make_with_id


def install():
    """Must be called before LocalEmu starts, and before `first_use`, which makes sure that a service is loaded once."""
    require_service = ServiceLoader.require_service

    def require_patched(self, chain, context, response):
        require_service(self, chain, context, response)
        # Not earlier: moto's RDS takes long to load, and few tests need it.
        if context.service is not None and context.service.service_name == "rds":
            patch_rds()

    ServiceLoader.require_service = require_patched
