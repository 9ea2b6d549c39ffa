import { type UndoStep, unconfirmedWords, undoStepsOf } from '../../lambdas/changes/undo-steps.ts';
import { InvalidInputError } from '../../lambdas/model/errors.ts';
import { findingKey, remediatorRegion } from '../../lambdas/model/finding.ts';
import type { Fix } from '../../lambdas/model/requests.ts';
import type { Line } from '../deployed/outcomes.ts';
import type { FindingName } from '../findings/find.ts';

/** A fix that can be undone, as recorded in the evidence. */
export interface UndoableFix extends Line {
  readonly fix: Fix;
  readonly account: string;
  /** The region whose remediator made it. */
  readonly region: string;
  /** The changes that undo it, last change first. */
  readonly steps: readonly UndoStep[];
  /** The resources that were changed, and the finding's own. */
  readonly resources: readonly string[];
}

/** Reports whether a line of evidence describes a fix: something was changed, and it is not an undo itself. */
export function isFix({ outcome }: Line): boolean {
  return outcome.applied.length > 0 && outcome.undo === undefined;
}

/** Returns a text that identifies a fix, because an evidence object contains the fixes of many findings. */
export function fixName(evidence: string, finding: FindingName): string {
  return `${evidence} ${findingKey(finding)}`;
}

/** Converts lines to fixes, newest first, without duplicates. Lines without changes are left out. */
export async function fixesOf(lines: readonly Line[], homeRegion: string): Promise<UndoableFix[]> {
  const unique = new Map(
    lines.filter(isFix).map((line) => [fixName(line.evidence, line.outcome.finding), line]),
  );
  const fixes = await Promise.all([...unique.values()].map((line) => fixOf(line, homeRegion)));
  return fixes.sort((one, other) => changedAt(other) - changedAt(one));
}

async function fixOf(line: Line, homeRegion: string): Promise<UndoableFix> {
  const { finding, applied } = line.outcome;
  const { rule, account, region, resource } = finding;
  return {
    ...line,
    fix: { rule, region, resource, evidence: line.evidence },
    account,
    region: remediatorRegion(region, homeRegion),
    steps: await stepsOf(line),
    resources: [...new Set([...applied.map(({ change }) => change.resource), resource])],
  };
}

/** The steps; empty if this version does not know a change. The remediator computes its own. */
async function stepsOf({ outcome }: Line): Promise<UndoStep[]> {
  try {
    return await undoStepsOf(outcome.applied);
  } catch (error) {
    if (error instanceof InvalidInputError) return [];
    throw error;
  }
}

/** Describes the changes of which it is unknown whether they were made, and which are therefore not undone. */
export function unconfirmedOf({ outcome: { unconfirmed = [] } }: Line): string[] {
  return unconfirmed.map(unconfirmedWords);
}

/** The moment of the last change, in milliseconds since 1970. */
export function changedAt({ outcome }: Line): number {
  return Math.max(...outcome.applied.map(({ appliedAt }) => Date.parse(appliedAt)));
}
