import { endedExemptions } from '../ended-exemptions.ts';
import type { Learned } from '../learned.ts';
import type { ConfiguredWork } from '../work.ts';
import type { Assessments } from './assess.ts';

/** Keeps for the record what the tags of the resources say that violate the rule. */
export function learnTags(assessments: Assessments, work: ConfiguredWork, learned: Learned): void {
  learned.endedExemptions = endedExemptions(work.job.findings, assessments, work);
  learned.tags = new Map(
    [...assessments].flatMap(([resource, assessment]) =>
      'tags' in assessment && assessment.tags !== undefined ? [[resource, assessment.tags]] : [],
    ),
  );
}
