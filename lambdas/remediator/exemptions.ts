import { z } from 'zod';
import type { Finding } from '../model/finding.ts';
import type { Exemption } from '../model/settings.ts';

/**
 * The tag by which a resource's owner exempts it: `<reason> until <last day>`. Most services take only letters, digits,
 * spaces and `_.:/=+-@` in a tag's value; where a semicolon or a comma may stand, one before `until` is no part of the
 * reason.
 */
export const EXEMPTION_TAG = 'cspm-auto-remediation:exempt';

/** What the exemptions say of one finding. */
export interface Exempting {
  /** Why it is left alone; undefined where no exemption counts. */
  readonly reason?: string;
  /** Those that name it and have ended, in words. */
  readonly ended: readonly string[];
}

/** `*` stands for any text, slashes and colons included; everything else for itself. */
function matches(pattern: string, text: string): boolean {
  const [start = '', ...others] = pattern.split('*');
  const end = others.pop();
  if (end === undefined) return pattern === text;
  if (!text.startsWith(start)) return false;
  // The leftmost place of each part leaves the most for the parts behind it.
  let from = start.length;
  for (const part of others) {
    const place = text.indexOf(part, from);
    if (place === -1) return false;
    from = place + part.length;
  }
  return text.length - end.length >= from && text.endsWith(end);
}

/** Whether a last day (UTC) is over. */
function isOver(lastDay: string, now: Date): boolean {
  return now.toISOString().slice(0, 10) > lastDay;
}

/** What the exemptions in the rule's settings say of a finding. */
export function exemptionsOf(
  finding: Pick<Finding, 'account' | 'region' | 'resource'>,
  exemptions: readonly Exemption[],
  now: Date,
): Exempting {
  const naming = exemptions.filter(
    ({ account, region, resource }) =>
      matches(account, finding.account) &&
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

/** What a resource's exemption tag says. `malformed`: someone meant to exempt it, but not in words that count. */
export type TagExempting = Exempting & { readonly malformed?: string };

/** Reads a resource's exemption tag. */
export function exemptionTagOf(tags: Readonly<Record<string, string>> = {}, now: Date): TagExempting {
  const tag = tags[EXEMPTION_TAG];
  if (tag === undefined) return { ended: [] };
  const match = /^(.*[^\s;,])[\s;,]+until\s+(\S+)$/is.exec(tag.trim());
  const [, reason, until = ''] = match ?? [];
  if (reason === undefined || !z.iso.date().safeParse(until).success) {
    return {
      ended: [],
      malformed: `the resource's tag ${EXEMPTION_TAG} is "${tag}": expected "<reason> until <last day>", as in "public web site until 2027-06-30". It is left alone until the tag says so, or is removed`,
    };
  }
  if (isOver(until, now)) return { ended: [`${reason} (tag), ended on ${until}`] };
  return { reason: `${reason} (tag, until ${until})`, ended: [] };
}
