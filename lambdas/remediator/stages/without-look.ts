import type { Finding } from '../../model/finding.ts';
import type { Job } from '../../model/job.ts';
import { conclude, type Verdict, type Verdicts } from '../verdict.ts';

/** Gives the verdicts on findings at which nobody looks: the source no longer gives them, or works on them itself. */
export function concludeWithoutLook(
  findings: readonly Finding[],
  { poll, closes, leaves = {} }: Pick<Job, 'poll' | 'closes' | 'leaves'>,
): Verdicts {
  const closed = `${poll.source} no longer gives it, at the poll of ${poll.asOf}`;
  return new Map(
    findings.flatMap(({ resource }): [string, Verdict][] => {
      if (closes === true) return [[resource, conclude('closed', { reason: closed })]];
      const reason = leaves[resource];
      return reason === undefined ? [] : [[resource, conclude('deferred', { reason, willRetry: true })]];
    }),
  );
}
