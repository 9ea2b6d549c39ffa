import { exemptionTagOf } from '../model/exemption-tag.ts';
import { exemptionsOf } from '../model/exemptions.ts';
import type { Finding } from '../model/finding.ts';
import type { Assessments } from './stages/assess.ts';
import type { ConfiguredWork } from './work.ts';

/** Lists the expired exemptions of each resource. Every outcome contains them. */
export function endedExemptions(
  findings: readonly Finding[],
  assessments: Assessments,
  { settings, ports }: Pick<ConfiguredWork, 'settings' | 'ports'>,
): ReadonlyMap<string, readonly string[]> {
  const now = new Date(ports.clock.now());
  return new Map(
    findings.map((finding) => {
      const assessment = assessments.get(finding.resource);
      const tags = assessment !== undefined && 'tags' in assessment ? assessment.tags : undefined;
      const ended = [...exemptionsOf(finding, settings, now).ended, ...exemptionTagOf(tags, now).ended];
      return [finding.resource, ended];
    }),
  );
}
