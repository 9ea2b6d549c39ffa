import { z } from 'zod';
import { parseNetskopeTime } from './timestamp.ts';

const word = z
  .union([z.string(), z.boolean()])
  .transform((value) => String(value).trim().toLowerCase())
  .optional()
  .catch(undefined);

const time = z
  .string()
  .transform((text) => parseNetskopeTime(text))
  .optional()
  .catch(undefined);

/**
 * Fields of an item about Netskope's own remediation (REST API v1, "View Security Assessment Violations"). A field
 * that can't be understood says nothing: it must not cost the finding.
 */
export const remediationSchema = z.object({
  /** `"true"` where Netskope remediates by itself. */
  is_auto_remediation: word,
  /** `none`, `started`, `completed`, `errored`. */
  auto_remediation_status: word,
  auto_remediation_time: time,
  remediation_action_name: z.string().optional().catch(undefined),
});

/** Netskope is done with it, well or not, or never began. */
const over: ReadonlySet<string> = new Set([
  'completed',
  'errored',
  'failed',
  'cancelled',
  'canceled',
  'skipped',
]);
const notBegun: ReadonlySet<string> = new Set(['', 'none', 'null', 'not available', 'n/a']);

/** A remediation that has not ended after this time has been forgotten. */
const LONGEST_MILLISECONDS = 24 * 3_600_000;

/**
 * Gives the reason to leave a finding to Netskope's own remediation, or undefined where nothing is at work.
 *
 * - Started, pending, or in any other state that is not known as an end: at work, for at most 24 hours from
 *   `auto_remediation_time`. Without a time it counts as at work.
 * - Completed or errored: the finding fails all the same, so it is worked on. A completed one that was not scanned
 *   since is seen to be compliant.
 * - None, although Netskope is set to remediate by itself (`is_auto_remediation`): about to begin, for at most 24
 *   hours since the finding fails; after that it is not coming. Without that time it is worked on.
 */
export function remediationAtWork(
  item: z.infer<typeof remediationSchema> & { readonly failing_since?: string | undefined },
  asOf: Date,
): string | undefined {
  const { auto_remediation_status: status = '', auto_remediation_time: since, is_auto_remediation } = item;
  const isRecent = (from: string): boolean => asOf.getTime() - Date.parse(from) < LONGEST_MILLISECONDS;
  const action = item.remediation_action_name?.slice(0, 100);
  const name = action === undefined ? '' : ` (${action})`;
  if (over.has(status)) return undefined;
  if (!notBegun.has(status)) {
    if (since !== undefined && !isRecent(since)) return undefined;
    const moment = since === undefined ? '' : ` since ${since}`;
    return `Netskope's own remediation${name} is in progress: its status is "${status.slice(0, 100)}"${moment}`;
  }
  const { failing_since: failing } = item;
  if (is_auto_remediation !== 'true' || failing === undefined || !isRecent(failing)) return undefined;
  return `Netskope is set to remediate this by itself${name}, and has not begun: the resource has failed since ${failing}`;
}
