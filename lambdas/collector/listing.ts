import { z } from 'zod';
import { type Finding, findingSchema } from '../model/finding.ts';
import { type Poll, pollSchema } from '../model/job.ts';

const headSchema = z.object({
  version: z.literal(1),
  poll: pollSchema,
  /** The number of findings that the poll closed. Older versions do not record it. */
  closed: z.int().nonnegative().default(0),
});
const listedSchema = findingSchema.pick({ rule: true, account: true, region: true, resource: true });

/** A finding in a listing. */
export type ListedFinding = z.infer<typeof listedSchema>;

/** The findings that a source reported at a rule's last complete poll. */
export interface Listing {
  readonly poll: Poll;
  readonly findings: readonly ListedFinding[];
  /** Number of findings that the poll closed: a repeated poll no longer finds any of them. */
  readonly closed: number;
}

/** `polls/<rule>/listed-<source>.jsonl.gz` */
export function listingKey({ rule, source }: Poll): string {
  return `polls/${rule}/listed-${source}.jsonl.gz`;
}

/** Converts a listing to lines: first the poll, then each finding. */
export function listingLines({ poll, findings, closed }: Listing): unknown[] {
  return [{ version: 1, poll, closed }, ...findings];
}

/** Reads what `listingLines` wrote. */
export function parseListing([head, ...findings]: readonly unknown[]): Listing {
  const { poll, closed } = headSchema.parse(head);
  return { poll, closed, findings: findings.map((line) => listedSchema.parse(line)) };
}

export function listedFinding({ rule, account, region, resource }: Finding): ListedFinding {
  return { rule, account, region, resource };
}
