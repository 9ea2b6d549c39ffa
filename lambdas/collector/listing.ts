import { z } from 'zod';
import { type Finding, findingSchema } from '../model/finding.ts';
import { type Poll, pollSchema } from '../model/job.ts';

const headSchema = z.object({
  version: z.literal(1),
  poll: pollSchema,
  /** The number of findings that the poll closed. Older versions do not write it. */
  closed: z.int().nonnegative().default(0),
});
const listedSchema = findingSchema.pick({ rule: true, account: true, region: true, resource: true });

/** The key of a finding, which is all that a listing stores of it. */
export type ListedFinding = z.infer<typeof listedSchema>;

/** The findings that a source reported at a rule's last complete poll. */
export interface Listing {
  readonly poll: Poll;
  readonly findings: readonly ListedFinding[];
  /**
   * Number of findings that the poll closed. A retry of the poll reads it here, because it finds none of them to close.
   */
  readonly closed: number;
}

/** Builds the object key `polls/<rule>/listed-<source>.jsonl.gz`. */
export function listingKey({ rule, source }: Poll): string {
  return `polls/${rule}/listed-${source}.jsonl.gz`;
}

/** Converts a listing to the values of its lines: first the poll, then each finding. */
export function listingLines({ poll, findings, closed }: Listing): unknown[] {
  return [{ version: 1, poll, closed }, ...findings];
}

/** Parses the values that `listingLines` returned. @throws ZodError if a value has another form */
export function parseListing([head, ...findings]: readonly unknown[]): Listing {
  const { poll, closed } = headSchema.parse(head);
  return { poll, closed, findings: findings.map((line) => listedSchema.parse(line)) };
}

/** Picks the fields of a finding that a listing stores. */
export function listedFinding({ rule, account, region, resource }: Finding): ListedFinding {
  return { rule, account, region, resource };
}
