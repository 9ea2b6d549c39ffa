"""
server.py STATE: starts LocalEmu, with Lambda functions in Node processes of their own instead of containers, dead
letters as SQS moves them, first calls that may come side by side and resource ids of DB instances, and ends with the
parent. Its settings are environment variables: see ../index.ts.
"""

import sys

from parent import end_with_parent


def main():
    end_with_parent(sys.argv[1])
    import dead_letters
    import first_use
    import node_functions
    import resource_ids
    import sent_again
    from localemu.runtime.main import main as run

    resource_ids.install()
    first_use.install()
    sent_again.install()
    dead_letters.install()
    node_functions.install()
    run()


if __name__ == "__main__":
    main()
