import { createHash } from 'node:crypto';

/**
 * Computes the id of an event. Delivery is at least once: an event that is put on the bus repeatedly has the same id
 * each time.
 * @param evidence `s3://<bucket>/<key>` of the object that the event is about
 * @param part identifies the part of the object that the event is about. Default: the whole object
 */
export function eventId(evidence: string, part = ''): string {
  return createHash('sha256').update(`${evidence} ${part}`).digest('hex').slice(0, 32);
}
