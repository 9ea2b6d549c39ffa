import type { Condition } from '../../aws/findings-table.ts';

/** A lease of another version is never taken: it may mean something that this one does not know. */
export function mayTake(holder: string, now: number): Condition {
  return {
    expression:
      'attribute_not_exists(pk) OR (#version = :version AND #state <> :done AND (#holder = :holder OR #state = :released OR #until < :now))',
    names: { '#version': 'version', '#state': 'state', '#holder': 'holder', '#until': 'until' },
    values: { ':version': 1, ':done': 'done', ':released': 'released', ':holder': holder, ':now': now },
  };
}

/** An item that names the write that made it what it is. One of an older version names none. */
interface Written {
  readonly writer?: string | undefined;
}

/**
 * Lets an item take the place of the one that is known, and of itself: the SDK sends a call again whose answer it did not see.
 * If another writer was faster, it reads the existing item, and adds to it.
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

/** An item of a newer version is not written over. */
export const ofThisVersion: Condition = {
  expression: 'attribute_not_exists(pk) OR #version = :version',
  names: { '#version': 'version' },
  values: { ':version': 1 },
};
