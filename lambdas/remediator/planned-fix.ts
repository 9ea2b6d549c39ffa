import type { Change } from '../changes/change.ts';
import type { Finding } from '../model/finding.ts';
import type { RecordedChange } from '../model/outcome.ts';
import type { Assessment } from '../rules/rule.ts';
import type { Reading } from './reading.ts';
import type { Ending } from './runbooks/follow.ts';
import type { OutcomeDetails } from './verdict.ts';

/** What a rule says of a resource that violates it. */
export type Violation = Extract<Assessment, { state: 'violation' }>;

/** A violation that is to be fixed, with its plan. */
export interface PlannedFix {
  readonly finding: Finding;
  readonly changes: readonly Change[];
  /** What the plan leaves as it is on purpose, and what follows it. */
  readonly notes: readonly string[];
  /** How the automation execution ended that was started for it before, if there was one. */
  readonly ending: Ending | undefined;
  /** When the resource was read. */
  readonly reading: Reading;
  readonly details: OutcomeDetails & { readonly plan: RecordedChange[] };
}

/** The notes as an outcome's reason. */
export function reasonOf(notes: readonly string[]): OutcomeDetails {
  return notes.length === 0 ? {} : { reason: notes.join('; ') };
}
