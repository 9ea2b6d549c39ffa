import { isOver } from '../../model/exemption-tag.ts';
import type { Finding } from '../../model/finding.ts';
import { releaseCommand } from '../../model/operator-commands.ts';
import { ALL, holdKey } from '../../model/operator-items.ts';
import type { Hold } from '../record/findings-store.ts';
import { conclude, type Verdict } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';

/**
 * Determines the verdict on a finding from the holds on its account, region, and resources. Returns undefined if there
 * are none.
 */
export async function verdictOfHolds(
  finding: Finding,
  resources: readonly string[],
  { holds, ports }: Pick<ConfiguredWork, 'holds' | 'ports'>,
): Promise<Verdict | undefined> {
  const today = new Date(ports.clock.now());
  const counting = (await holds.on(finding, resources)).filter(
    (hold) => 'problem' in hold || hold.until === undefined || !isOver(hold.until, today),
  );
  const [hold] = counting;
  if (hold === undefined) return undefined;
  if ('problem' in hold) {
    const reason = `the hold ${keyIn(hold)} cannot be parsed, so nothing is changed there: ${hold.problem}; write it again with cspm-remediation hold, or release it: ${releaseCommand(hold.name)}`;
    return conclude('failed', { willRetry: true, gate: 'hold', reason });
  }
  return conclude('deferred', { willRetry: true, gate: 'hold', reason: wordsOf(hold) });
}

function wordsOf(hold: Extract<Hold, { reason: string }>): string {
  const { name, reason, by, until } = hold;
  const what =
    name.resource !== ALL
      ? name.resource
      : `account ${name.account}${name.region === ALL ? '' : ` in ${name.region}`}`;
  const rules = name.rule === ALL ? 'all rules' : name.rule;
  const end = until === undefined ? 'until it is released' : `until ${until}`;
  return `${what} is held for ${rules} by ${by} ${end}: ${reason}; to release it earlier: ${releaseCommand(name)}`;
}

function keyIn({ name }: Pick<Hold, 'name'>): string {
  const { pk, sk } = holdKey(name);
  return `${pk} / ${sk}`;
}
