import { isHeldBy, markPlace, startedElsewhere } from '../runbooks/marks.ts';
import { conclude } from '../verdict.ts';
import type { Gate } from './gate.ts';

/**
 * Stops a finding while another job's automation execution may be changing the resource, so that no second one is
 * started.
 */
export const inProgressElsewhere: Gate = async (finding, { job, runbook, ports }) => {
  if (runbook === undefined) return undefined;
  const mark = await ports.evidence.readInProgress(markPlace(finding, runbook, job));
  if (mark === undefined || !isHeldBy(mark, job, ports.clock.now())) return undefined;
  return conclude('deferred', { willRetry: true, reason: startedElsewhere(mark) });
};
