import type { Condition } from '../../aws/findings-table.ts';

/**
 * Requires that a lease can be taken. A lease with another schema version is never taken, because its meaning is
 * unknown. A lease in the state `recorded` is only taken by a redelivered message, because the earlier delivery may have
 * ended before it sent its events. For any other message, such as one of a repeated poll, the job is done.
 */
export function mayTake(holder: string, now: number, isRedelivered: boolean): Condition {
  const recorded = isRedelivered ? 'OR #state = :recorded' : 'AND #state <> :recorded';
  return {
    expression: `attribute_not_exists(pk) OR (#version = :version AND #state <> :done AND ((#holder = :holder OR #state = :released OR #until < :now) ${recorded}))`,
    names: { '#version': 'version', '#state': 'state', '#holder': 'holder', '#until': 'until' },
    values: {
      ':version': 1,
      ':done': 'done',
      ':released': 'released',
      ':recorded': 'recorded',
      ':holder': holder,
      ':now': now,
    },
  };
}

/** An item with the id of its last write. Items of older versions have none. */
interface Written {
  readonly writer?: string | undefined;
}

/**
 * Requires that the item has not changed since it was read, or already has the content of this write, because the SDK
 * repeats a call that was not answered. If another writer was faster, the caller reads the new item and adds to it.
 */
export function stillIs(known: Written | undefined, { writer }: Written): Condition {
  const isKnown =
    known === undefined
      ? []
      : [known.writer === undefined ? 'attribute_not_exists(#writer)' : '#writer = :known'];
  return {
    expression: `attribute_not_exists(pk) OR (#version = :version AND (${[...isKnown, '#writer = :writer'].join(' OR ')}))`,
    names: { '#version': 'version', '#writer': 'writer' },
    values: {
      ':version': 1,
      ':writer': writer ?? '',
      ...(known?.writer !== undefined && { ':known': known.writer }),
    },
  };
}

export function mayEnd(holder: string): Condition {
  return { expression: '#holder = :holder', names: { '#holder': 'holder' }, values: { ':holder': holder } };
}

/** Requires that the item has this schema version, so that newer ones are not overwritten. */
export const ofThisVersion: Condition = {
  expression: 'attribute_not_exists(pk) OR #version = :version',
  names: { '#version': 'version' },
  values: { ':version': 1 },
};
