import { createHash } from 'node:crypto';

/**
 * The id of an event. Delivery is at least once: the same event, however often it is put on the bus, has the same id.
 * @param evidence `s3://<bucket>/<key>`: the object that the event is about
 * @param part which of the things in it
 */
export function eventId(evidence: string, part = ''): string {
  return createHash('sha256').update(`${evidence} ${part}`).digest('hex').slice(0, 32);
}
