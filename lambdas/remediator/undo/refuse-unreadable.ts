import type { RequestMessage } from '../../model/requests.ts';
import type { UnreadableRequest } from './requests-store.ts';
import type { RequestPorts } from './undo-work.ts';

/**
 * Refuses a request that can't be parsed, if the place that it names is the one where its message arrived, because the
 * operator waits for the result. Nothing else is done, and an existing result is kept.
 */
export async function refuseUnreadable(
  { request: name, account, region, kind }: RequestMessage,
  { problem, addressed }: UnreadableRequest,
  { clock, requests }: Pick<RequestPorts, 'clock' | 'requests'>,
): Promise<void> {
  const isHere = addressed?.account === account && addressed.region === region && addressed.kind === kind;
  if (!isHere) return;
  const place = { account, region };
  const [before] = await requests.readResults(place, [name]);
  if (before !== undefined) return;
  const at = new Date(clock.now()).toISOString();
  const reason = `the remediator cannot read the request (${problem}): use the cspm-remediation of the deployed version`;
  const end = { state: 'refused' as const, reason, beganAt: at, endedAt: at, results: [] };
  await requests.writeResult(place, name, { ...place, kind, ...end });
}
