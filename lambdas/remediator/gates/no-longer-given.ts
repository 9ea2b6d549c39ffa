import { conclude } from '../verdict.ts';
import type { Work } from '../work.ts';
import type { Gate } from './gate.ts';

/** Closes a finding that the source no longer reports, without reading the resource. */
export const noLongerGiven: Gate<Work> = (_finding, { job: { closes, poll } }) => {
  if (closes !== true) return undefined;
  return conclude('closed', {
    reason: `${poll.source} no longer reported it at the poll of ${poll.asOf}: nothing to do`,
  });
};
