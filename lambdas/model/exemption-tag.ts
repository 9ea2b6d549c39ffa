import { z } from 'zod';

/**
 * The tag with which a resource's owner exempts it: `<reason> until <last day>`. Most services allow only letters,
 * digits, spaces and `_.:/=+-@` in tag values. Where a semicolon or comma is allowed, one before `until` is not part of
 * the reason.
 */
export const EXEMPTION_TAG = 'cspm-auto-remediation:exempt';

/** The result of applying exemptions to one finding. */
export interface Exempting {
  /** The reason why the finding is exempt; undefined if no exemption applies. */
  readonly reason?: string;
  /** Exemptions that match the finding and have ended, in words. */
  readonly ended: readonly string[];
}

/**
 * The result of parsing a resource's exemption tag. `malformed`: there is a tag, but its value does not have the
 * expected form.
 */
export type TagExempting = Exempting & { readonly malformed?: string };

/** Reports whether the last day of an exemption (UTC) is over. */
export function isOver(lastDay: string, now: Date): boolean {
  return now.toISOString().slice(0, 10) > lastDay;
}

/** Parses a resource's exemption tag. */
export function exemptionTagOf(tags: Readonly<Record<string, string>> = {}, now: Date): TagExempting {
  const tag = tags[EXEMPTION_TAG];
  if (tag === undefined) return { ended: [] };
  const match = /^(.*[^\s;,])[\s;,]+until\s+(\S+)$/is.exec(tag.trim());
  const [, reason, until = ''] = match ?? [];
  if (reason === undefined || !z.iso.date().safeParse(until).success) {
    return {
      ended: [],
      malformed: `the resource's tag ${EXEMPTION_TAG} is "${tag}": expected "<reason> until <last day>", as in "public web site until 2027-06-30". The resource is not changed until the tag is corrected or removed`,
    };
  }
  if (isOver(until, now)) return { ended: [`${reason} (tag), ended on ${until}`] };
  return { reason: `${reason} (tag, until ${until})`, ended: [] };
}

/** Reports whether a resource must not be changed because of its exemption tag. A malformed tag counts, too. */
export function isExemptByTag(tags: Readonly<Record<string, string>> | undefined, now: Date): boolean {
  const { reason, malformed } = exemptionTagOf(tags, now);
  return reason !== undefined || malformed !== undefined;
}
