import pLimit from 'p-limit';
import { SettingsError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { conclude, retry, type Verdict } from '../verdict.ts';
import type { ConfiguredWork } from '../work.ts';

/**
 * One reason not to process a finding. Returns the verdict, or undefined if the reason does not apply. Never writes.
 */
export type Gate<Context = ConfiguredWork> = (
  finding: Finding,
  context: Context,
) => Verdict | undefined | Promise<Verdict | undefined>;

const FINDINGS_AT_ONCE = 8;

/**
 * Checks gates in order.
 * @returns the verdict of the first gate that stops the finding; undefined if it passes all of them
 * @throws the error of a gate that can't decide
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

/**
 * Checks gates like `askGates`. If a gate can't decide, the finding is left to the next attempt; if settings are
 * invalid, it fails.
 */
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

/**
 * Checks gates whose verdict is the same for all findings, by the first finding.
 * @throws the error of a gate that can't decide
 */
export async function askOnce<Context>(
  gates: readonly Gate<Context>[],
  [finding]: readonly Finding[],
  context: Context,
): Promise<Verdict | undefined> {
  return finding === undefined ? undefined : askGates(gates, finding, context);
}

/** Checks findings against gates. @returns the verdicts on those that don't pass */
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
