import type { Condition } from '../../aws/findings-table.ts';
import type { Lease } from './findings-store.ts';

/**
 * Requires that a lease can be taken. A lease with another schema version is never taken, because its meaning is
 * unknown. A lease in the state `recorded` is only taken by the message that took it before: an earlier delivery may
 * have ended before it sent its events. For any other message, such as one of a repeated poll, the job is done.
 * @param isFromOthers whether an expired lease may also be taken from another message
 */
export function mayTake({ holder, sending }: TakenLease, now: number, isFromOthers: boolean): Condition {
  const isOwn = sending === undefined ? 'attribute_not_exists(#sending)' : '#sending = :sending';
  const expired = `(#state = :held AND #until < :now${isFromOthers ? '' : ` AND ${isOwn}`})`;
  const recorded = `(#state = :recorded AND ${isOwn})`;
  const isUnder = `#holder = :holder OR #state = :released OR ${expired} OR ${recorded}`;
  return {
    expression: `attribute_not_exists(pk) OR (#version = :version AND (${isUnder}))`,
    names: {
      '#version': 'version',
      '#state': 'state',
      '#holder': 'holder',
      '#until': 'until',
      '#sending': 'sending',
    },
    values: {
      ':version': 1,
      ':held': 'held',
      ':released': 'released',
      ':recorded': 'recorded',
      ':holder': holder,
      ':now': now,
      ...(sending !== undefined && { ':sending': sending }),
    },
  };
}

type TakenLease = Pick<Lease, 'holder' | 'sending'>;

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
