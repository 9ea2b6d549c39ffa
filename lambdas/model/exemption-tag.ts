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

type Tags = Readonly<Record<string, string>>;

/** Reports whether a key is that of the exemption tag, apart from case and surrounding spaces. */
function isExemptionKey(key: string): boolean {
  return key.trim().toLowerCase() === EXEMPTION_TAG;
}

/**
 * Parses a resource's exemption tag. A misspelled key counts as malformed, unless another tag with the correct key is in
 * force: someone meant to exempt the resource, and IAM, unlike most services, does not distinguish the case of keys.
 */
export function exemptionTagOf(tags: Tags = {}, now: Date): TagExempting {
  const tag = tags[EXEMPTION_TAG];
  const exempting = tag === undefined ? { ended: [] } : parse(tag, now);
  if (exempting.reason !== undefined || exempting.malformed !== undefined) return exempting;
  const misspelled = Object.keys(tags).find((key) => key !== EXEMPTION_TAG && isExemptionKey(key));
  if (misspelled === undefined) return exempting;
  return {
    ...exempting,
    malformed: `the resource has a tag "${misspelled}": expected the key ${EXEMPTION_TAG}. The resource is not changed until the tag is corrected or removed`,
  };
}

/** Parses the value of a tag with the correct key. */
function parse(tag: string, now: Date): TagExempting {
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

/** Replaces the exemption tag among a resource's tags with that of another resource. */
export function withExemptionOf(other: Tags, tags: Tags): Tags {
  return Object.fromEntries([
    ...Object.entries(tags).filter(([key]) => !isExemptionKey(key)),
    ...Object.entries(other).filter(([key]) => isExemptionKey(key)),
  ]);
}

/** Reports whether a resource must not be changed because of its exemption tag. A malformed tag counts, too. */
export function isExemptByTag(tags: Tags | undefined, now: Date): boolean {
  const { reason, malformed } = exemptionTagOf(tags, now);
  return reason !== undefined || malformed !== undefined;
}
