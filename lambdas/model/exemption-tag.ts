import { z } from 'zod';

/**
 * The tag by which a resource's owner exempts it: `<reason> until <last day>`. Most services take only letters, digits,
 * spaces and `_.:/=+-@` in a tag's value; where a semicolon or a comma may stand, one before `until` is not part of the
 * reason.
 */
export const EXEMPTION_TAG = 'cspm-auto-remediation:exempt';

/** The exemptions' verdict on one finding. */
export interface Exempting {
  /** Reason why the finding is left alone; undefined if no exemption counts. */
  readonly reason?: string;
  /** Exemptions that name it and have ended, in words. */
  readonly ended: readonly string[];
}

/**
 * The exemption tag's verdict on its resource. `malformed`: someone meant to exempt it, but not in words that count.
 */
export type TagExempting = Exempting & { readonly malformed?: string };

/** Reports whether a last day (UTC) is over. */
export function isOver(lastDay: string, now: Date): boolean {
  return now.toISOString().slice(0, 10) > lastDay;
}

/** Reads a resource's exemption tag. */
export function exemptionTagOf(tags: Readonly<Record<string, string>> = {}, now: Date): TagExempting {
  const tag = tags[EXEMPTION_TAG];
  if (tag === undefined) return { ended: [] };
  const match = /^(.*[^\s;,])[\s;,]+until\s+(\S+)$/is.exec(tag.trim());
  const [, reason, until = ''] = match ?? [];
  if (reason === undefined || !z.iso.date().safeParse(until).success) {
    return {
      ended: [],
      malformed: `the resource's tag ${EXEMPTION_TAG} is "${tag}": expected "<reason> until <last day>", as in "public web site until 2027-06-30". The resource is left alone until the tag is corrected or removed`,
    };
  }
  if (isOver(until, now)) return { ended: [`${reason} (tag), ended on ${until}`] };
  return { reason: `${reason} (tag, until ${until})`, ended: [] };
}

/** Reports whether a resource must not be changed because of its exemption tag, which counts even if it is malformed. */
export function isExemptByTag(tags: Readonly<Record<string, string>> | undefined, now: Date): boolean {
  const { reason, malformed } = exemptionTagOf(tags, now);
  return reason !== undefined || malformed !== undefined;
}
