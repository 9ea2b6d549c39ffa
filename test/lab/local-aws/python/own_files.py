"""
Buckets in a folder per server: LocalEmu keeps the buckets of all servers of a machine in one folder, so that a server that
deletes its bucket also deletes the files of another server's bucket of the same name.
"""

import os

from localemu.services.s3.storage.ephemeral import EphemeralS3ObjectStore


def in_own_folder(init):
    def init_there(self, root_directory=None):
        init(self, os.path.join(os.environ["TMPDIR"], "s3"))

    return init_there


def install():
    """Must be called before LocalEmu loads its S3 service."""
    EphemeralS3ObjectStore.__init__ = in_own_folder(EphemeralS3ObjectStore.__init__)
