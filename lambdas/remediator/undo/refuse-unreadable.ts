import type { RequestMessage } from '../../model/requests.ts';
import type { UnreadableRequest } from './requests-store.ts';
import type { RequestPorts } from './undo-work.ts';

/**
 * Writes a refusal for a request that can't be parsed, because the operator waits for a result. Does nothing if the
 * request names another account, region, or kind than its message, or if it already has a result.
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
  const reason = `the remediator cannot read the request (${problem}): use the version of cspm-remediation that is deployed`;
  const end = { state: 'refused' as const, reason, beganAt: at, endedAt: at, results: [] };
  await requests.writeResult(place, name, { ...place, kind, ...end });
}
