"""
server.py STATE: starts LocalEmu with the changes in this folder: Lambda functions in Node processes instead of containers,
dead letters and message groups as in SQS, composite alarms, concurrent first calls, resource ids and public snapshots of
databases, no sessions of missing roles, a clock that tests put ahead, and less work per call. It ends with its parent. Its
settings are environment variables: see ../server.ts.
"""

import sys

from parent import end_with_parent


def main():
    end_with_parent(sys.argv[1])
    # Before the rest is loaded, which creates most objects.
    import light

    light.install()
    import alarms
    import databases
    import dead_letters
    import first_use
    import gateway
    import lab_clock
    import message_groups
    import missing_roles
    import node_functions
    import own_files
    import sent_again
    import transactions
    from localemu.runtime.main import main as run

    gateway.install()
    own_files.install()
    databases.install()
    missing_roles.install()
    transactions.install()
    first_use.install()
    alarms.install()
    sent_again.install()
    dead_letters.install()
    message_groups.install()
    lab_clock.install()
    node_functions.install()
    run()


if __name__ == "__main__":
    main()
