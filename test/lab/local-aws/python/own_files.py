"""
Buckets in a server's own folder: LocalEmu keeps those of all servers of a machine in one, in which a server that deletes
its bucket takes the files of another's bucket of that name along.
"""

import os

from localemu.services.s3.storage.ephemeral import EphemeralS3ObjectStore


def in_own_folder(init):
    def init_there(self, root_directory=None):
        init(self, os.path.join(os.environ["TMPDIR"], "s3"))

    return init_there


def install():
    """To be called before LocalEmu loads its S3 service."""
    EphemeralS3ObjectStore.__init__ = in_own_folder(EphemeralS3ObjectStore.__init__)
