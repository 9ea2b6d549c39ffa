import { groupsOf } from './account-modes.ts';
import { type Exempting, isOver } from './exemption-tag.ts';
import type { Finding } from './finding.ts';
import type { Settings } from './settings.ts';

/**
 * Matches a text against a pattern. `*` matches any text, including slashes and colons; every other character matches
 * itself.
 */
function matches(pattern: string, text: string): boolean {
  const [start = '', ...others] = pattern.split('*');
  const end = others.pop();
  if (end === undefined) return pattern === text;
  if (!text.startsWith(start)) return false;
  // Matching each part as far left as possible leaves the most text for the following parts.
  let from = start.length;
  for (const part of others) {
    const place = text.indexOf(part, from);
    if (place === -1) return false;
    from = place + part.length;
  }
  return text.length - end.length >= from && text.endsWith(end);
}

/** Applies the exemptions in the rule's settings to a finding. */
export function exemptionsOf(
  finding: Pick<Finding, 'account' | 'region' | 'resource'>,
  { exemptions, allRules }: Pick<Settings, 'exemptions' | 'allRules'>,
  now: Date,
): Exempting {
  const groups = groupsOf(finding.account, allRules);
  const naming = exemptions.filter(
    ({ account, group, region, resource }) =>
      matches(account, finding.account) &&
      (group === undefined || groups.includes(group)) &&
      matches(region, finding.region) &&
      matches(resource, finding.resource),
  );
  const ended = naming
    .filter(({ expires }) => isOver(expires, now))
    .map(({ expires, reason, owner }) => `${reason} (${owner}), ended on ${expires}`);
  const counting = naming.find(({ expires }) => !isOver(expires, now));
  if (counting === undefined) return { ended };
  return { reason: `${counting.reason} (${counting.owner}, until ${counting.expires})`, ended };
}
