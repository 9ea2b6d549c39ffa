import { createHash } from 'node:crypto';
import type { Finding } from './finding.ts';
import { epochSeconds, type Poll } from './job.ts';

/** A key holds 1,024 bytes. */
const MAX_RESOURCE_IN_KEY = 512;

/**
 * A resource's part of a key. What is too long, or can't be encoded, is no id that any rule takes, so nobody looks it
 * up by its name.
 */
export function resourceInKey(resource: string): string {
  const isText = !/\p{Surrogate}/u.test(resource);
  const encoded = isText ? encodeURIComponent(resource) : '';
  if (isText && encoded.length <= MAX_RESOURCE_IN_KEY) return encoded;
  return createHash('sha256').update(JSON.stringify(resource)).digest('hex');
}

/** `outcomes/<rule>/<account>/<region>/<resource, URL-encoded>/<poll in epoch seconds>.json` */
export function outcomeKey(poll: Poll, finding: Pick<Finding, 'account' | 'region' | 'resource'>): string {
  const resource = resourceInKey(finding.resource);
  return `outcomes/${poll.rule}/${finding.account}/${finding.region}/${resource}/${epochSeconds(poll)}.json`;
}
