import type { Change } from '../changes/change.ts';
import type { Finding } from '../model/finding.ts';
import type { RecordedChange } from '../model/outcome.ts';
import type { Assessment, Rest } from '../rules/rule.ts';
import type { Reading } from './reading.ts';
import type { Ending } from './runbooks/follow.ts';
import type { OutcomeDetails } from './verdict.ts';

/** A rule's assessment of a resource that violates it. */
export type Violation = Extract<Assessment, { state: 'violation' }>;

/** A violation that must be fixed, with its plan. */
export interface PlannedFix {
  readonly finding: Finding;
  readonly changes: readonly Change[];
  /** Descriptions of what the plan deliberately leaves unchanged, and of what follows the plan. */
  readonly notes: readonly string[];
  /** The automation execution that was started for the finding and has ended, if any. */
  readonly ending: Ending | undefined;
  /** State that the changes do not read themselves. Omitted if the whole resource must be read again. */
  readonly rest?: Rest;
  /** The read on which the plan is based. */
  readonly reading: Reading;
  readonly details: OutcomeDetails & { readonly plan: RecordedChange[] };
}

/** Converts notes to an outcome's reason. */
export function reasonOf(notes: readonly string[]): OutcomeDetails {
  return notes.length === 0 ? {} : { reason: notes.join('; ') };
}
