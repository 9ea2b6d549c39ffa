import type { Change } from '../changes/change.ts';
import type { Finding } from '../model/finding.ts';
import type { RecordedChange } from '../model/outcome.ts';
import type { Assessment } from '../rules/rule.ts';
import type { Reading } from './reading.ts';
import type { Ending } from './runbooks/follow.ts';
import type { OutcomeDetails } from './verdict.ts';

/** A rule's assessment of a resource that violates it. */
export type Violation = Extract<Assessment, { state: 'violation' }>;

/** A violation that is to be fixed, with its plan. */
export interface PlannedFix {
  readonly finding: Finding;
  readonly changes: readonly Change[];
  /** Parts that the plan leaves as they are on purpose, and what follows the plan. */
  readonly notes: readonly string[];
  /** End of the automation execution that was started for it before, if there was one. */
  readonly ending: Ending | undefined;
  /** The violation's tags, and how they are read again; left out if the whole resource has to be read. */
  readonly tags?: {
    readonly seen: Readonly<Record<string, string>>;
    again(): Promise<Readonly<Record<string, string>>>;
  };
  /** The reading on which the plan rests. */
  readonly reading: Reading;
  readonly details: OutcomeDetails & { readonly plan: RecordedChange[] };
}

/** The notes as an outcome's reason. */
export function reasonOf(notes: readonly string[]): OutcomeDetails {
  return notes.length === 0 ? {} : { reason: notes.join('; ') };
}
