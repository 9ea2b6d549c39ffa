import type { AwsSession } from '../../aws/session.ts';

type Tags = Readonly<Record<string, string>>;

/** Tag of resources that we created. An undo may only delete flow logs that have it. */
export const MADE_BY = {
  key: 'cspm-auto-remediation:made-by',
  value: 'cspm-auto-remediation',
} as const;

/** Key of the tag that names the job that created a resource: the id in `jobs/<id>.json` in the evidence bucket. */
export const MADE_FOR = 'cspm-auto-remediation:made-for';

/** Returns the tags for resources that a session creates. */
export const marksOf = ({ maker }: Pick<AwsSession, 'maker'>): Record<string, string> => ({
  [MADE_BY.key]: MADE_BY.value,
  [MADE_FOR]: maker,
});

/** Checks whether any of our jobs created a resource. */
export const isOurs = (tags: Tags): boolean => tags[MADE_BY.key] === MADE_BY.value;

/**
 * Checks whether the session's own job created a resource. Times can't prove this, because clocks differ and two jobs
 * may create the same resource within seconds.
 */
export const isMadeBy = ({ maker }: Pick<AwsSession, 'maker'>, tags: Tags): boolean =>
  isOurs(tags) && tags[MADE_FOR] === maker;
