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
 * Fields of an item about Netskope's own remediation (REST API v1, "View Security Assessment Violations"). A field that
 * can't be parsed is ignored, so that the finding is not lost.
 */
export const remediationSchema = z.object({
  /** `"true"` if Netskope remediates the finding automatically. */
  is_auto_remediation: word,
  /** `none`, `started`, `completed`, `errored`. */
  auto_remediation_status: word,
  auto_remediation_time: time,
  remediation_action_name: z.string().optional().catch(undefined),
});

/** The states in which Netskope's remediation has ended, successfully or not. */
const over: ReadonlySet<string> = new Set([
  'completed',
  'errored',
  'failed',
  'cancelled',
  'canceled',
  'skipped',
]);
/** The states in which Netskope's remediation has not begun. */
const notBegun: ReadonlySet<string> = new Set(['', 'none', 'null', 'not available', 'n/a']);

/** Time after which a remediation that has not ended is ignored. */
const LONGEST_MILLISECONDS = 24 * 3_600_000;

/** The end of each reason, which says what an operator can do. */
const TO_CHANGE_IT = "to change it, turn off Netskope's remediation of the rule";

/**
 * Returns the reason to leave a finding to Netskope's own remediation, with its end and what an operator can do;
 * undefined if no remediation is in progress.
 *
 * - Started, pending, or any other state that is not known as an end: in progress for at most 24 hours from
 *   `auto_remediation_time` or, without it, from `failing_since`. Without either time, it counts as in progress until
 *   Netskope reports another state.
 * - Completed or errored: the finding still fails, so it is processed. If it was completed and not scanned since, the
 *   resource turns out to be compliant.
 * - Not begun, although Netskope is set to remediate automatically (`is_auto_remediation`): about to begin, for at most
 *   24 hours from `failing_since`. After that, or without that time, the finding is processed.
 */
export function remediationAtWork(
  item: z.infer<typeof remediationSchema> & { readonly failing_since?: string | undefined },
  asOf: Date,
): string | undefined {
  const { auto_remediation_status: status = '', is_auto_remediation, failing_since: failing } = item;
  const isRecent = (from: string): boolean => asOf.getTime() < endOf(from).getTime();
  const action = item.remediation_action_name?.slice(0, 100);
  const name = action === undefined ? '' : ` (${action})`;
  if (over.has(status)) return undefined;
  if (!notBegun.has(status)) {
    const since = item.auto_remediation_time ?? failing;
    if (since !== undefined && !isRecent(since)) return undefined;
    const begun = item.auto_remediation_time === undefined ? '' : ` since ${item.auto_remediation_time}`;
    const words = `Netskope's own remediation${name} is in progress: its status is "${status.slice(0, 100)}"${begun}`;
    return `${words}; the finding is left to Netskope ${untilWords(since)}; ${TO_CHANGE_IT}`;
  }
  if (is_auto_remediation !== 'true' || failing === undefined || !isRecent(failing)) return undefined;
  const words = `Netskope is set to remediate this automatically${name}, and has not begun: the resource has failed since ${failing}`;
  return `${words}; the finding is left to Netskope ${untilWords(failing)}; ${TO_CHANGE_IT}`;
}

function endOf(from: string): Date {
  return new Date(Date.parse(from) + LONGEST_MILLISECONDS);
}

function untilWords(since: string | undefined): string {
  if (since === undefined) return 'until its status changes or includes a time';
  return `until ${endOf(since).toISOString()} at the latest`;
}
