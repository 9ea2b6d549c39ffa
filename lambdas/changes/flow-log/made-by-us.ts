import type { AwsSession } from '../../aws/session.ts';

type Tags = Readonly<Record<string, string>>;

/** The tag of what we made: an undo may delete flow logs that have it, and no others. */
export const MADE_BY = {
  key: 'cspm-auto-remediation:made-by',
  value: 'cspm-auto-remediation',
} as const;

/** The key of the tag that names the job by which something was made, as `jobs/<id>.json` in the evidence bucket. */
export const MADE_FOR = 'cspm-auto-remediation:made-for';

/** Returns the tags for resources that a session creates. */
export const marksOf = ({ maker }: Pick<AwsSession, 'maker'>): Record<string, string> => ({
  [MADE_BY.key]: MADE_BY.value,
  [MADE_FOR]: maker,
});

/** Reports whether something was made by us, for whatever job. */
export const isOurs = (tags: Tags): boolean => tags[MADE_BY.key] === MADE_BY.value;

/**
 * Reports whether something was made by a session's own job. Times do not tell: clocks differ, and two jobs may make the
 * same thing within seconds.
 */
export const isMadeBy = ({ maker }: Pick<AwsSession, 'maker'>, tags: Tags): boolean =>
  isOurs(tags) && tags[MADE_FOR] === maker;
