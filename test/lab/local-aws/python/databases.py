"""
RDS as AWS documents it:

- Each DB instance has a resource id of its own, which links a snapshot to it, and keeps it when it is renamed. In moto, all
  instances have the same one.
- Snapshots of the type `public` are all public ones of the region, including the account's own. In moto, there are none.
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.Public.html
"""

import functools
import inspect
import random
import string

from localemu.aws.handlers.service_plugin import ServiceLoader


def give_ids():
    from moto.rds.models import DBInstance

    make = DBInstance.__init__

    def make_with_id(self, *values, **named):
        make(self, *values, **named)
        self.dbi_resource_id = "db-" + "".join(random.choices(string.ascii_uppercase + string.digits, k=26))

    DBInstance.__init__ = make_with_id


def with_public(describe):
    """A list of snapshots that knows the type `public`."""
    from moto.rds.models import rds_backends

    signature = inspect.signature(describe)

    @functools.wraps(describe)
    def describe_also_public(self, *values, **named):
        asked = signature.bind(self, *values, **named).arguments
        if asked.get("snapshot_type") != "public":
            return describe(self, *values, **named)
        _, database, snapshot = [*asked.values()][:3]
        public = []
        for account in list(rds_backends):
            filters = {name: list(of) for name, of in (asked.get("filters") or {}).items()}
            manual = describe(rds_backends[account][self.region_name], database, snapshot, "manual", filters)
            public += [each for each in manual if "all" in each.attributes["restore"]]
        return public

    return describe_also_public


def patch_rds():
    from moto.rds.models import RDSBackend

    give_ids()
    RDSBackend.describe_db_snapshots = with_public(RDSBackend.describe_db_snapshots)
    RDSBackend.describe_db_cluster_snapshots = with_public(RDSBackend.describe_db_cluster_snapshots)


def install():
    """Must be called before LocalEmu starts, and before `first_use`, which makes sure that a service is loaded once."""
    require_service = ServiceLoader.require_service

    def require_patched(self, chain, context, response):
        require_service(self, chain, context, response)
        # Not earlier: moto's RDS takes long to load, and few tests need it.
        if context.service is not None and context.service.service_name == "rds":
            patch_rds()

    ServiceLoader.require_service = require_patched
