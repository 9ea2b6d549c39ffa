import pLimit from 'p-limit';
import { SettingsError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { conclude, retry, type Verdict } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';

/** One reason to leave a finding alone: its verdict, or undefined if the reason does not hold. Never writes. */
export type Gate<Context = ConfiguredWork> = (
  finding: Finding,
  context: Context,
) => Verdict | undefined | Promise<Verdict | undefined>;

const FINDINGS_AT_ONCE = 8;

/**
 * Checks gates in order. @returns the verdict of the first that holds the finding, or undefined if all let it pass
 * @throws what a gate throws that can't find out
 */
export async function askGates<Context>(
  gates: readonly Gate<Context>[],
  finding: Finding,
  context: Context,
): Promise<Verdict | undefined> {
  for (const gate of gates) {
    const verdict = await gate(finding, context);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

/** Asks gates as `askGates` does. One that can't find out stops the finding: permanently where settings are wrong. */
export async function firstVerdict<Context>(
  gates: readonly Gate<Context>[],
  finding: Finding,
  context: Context,
): Promise<Verdict | undefined> {
  try {
    return await askGates(gates, finding, context);
  } catch (error) {
    if (!(error instanceof SettingsError)) return retry(error);
    return conclude('failed', { willRetry: true, gate: 'settings', reason: error.message });
  }
}

/** Asks gates whose reasons hold for all findings alike: the first finding stands for all. @throws what a gate throws */
export async function askOnce<Context>(
  gates: readonly Gate<Context>[],
  [finding]: readonly Finding[],
  context: Context,
): Promise<Verdict | undefined> {
  return finding === undefined ? undefined : askGates(gates, finding, context);
}

/** Passes findings through gates. @returns the verdicts on those that don't pass */
export async function passGates<Context>(
  gates: readonly Gate<Context>[],
  findings: readonly Finding[],
  context: Context,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  await pLimit(FINDINGS_AT_ONCE).map(findings, async (finding) => {
    const verdict = await firstVerdict(gates, finding, context);
    if (verdict !== undefined) verdicts.set(finding.resource, verdict);
  });
  return verdicts;
}
