import { z } from 'zod';
import type { Check } from './checks.ts';

const findingSchema = z.object({
  AVDID: z.string(),
  Title: z.string(),
  Message: z.string(),
  Status: z.enum(['PASS', 'FAIL']),
  CauseMetadata: z.object({ StartLine: z.number().optional() }),
});
const trivySchema = z.object({
  Results: z
    .array(
      z.object({
        Target: z.string(),
        MisconfSummary: z.object({ Successes: z.number() }).optional(),
        Misconfigurations: z.array(findingSchema).default([]),
      }),
    )
    .min(1),
});

/**
 * Parses trivy's JSON report, including passed checks. Each folder from which it started counts as one check, regardless of the
 * number of rules, most of which concern resources that are not used here. Each place with a finding is a failed check, counted
 * once even if trivy reached it from several folders.
 * @throws Error if the text is not such a report, or names no folder
 */
export function readTrivy(text: string): readonly Check[] {
  const { Results } = trivySchema.parse(JSON.parse(text));
  const checks = Results.flatMap((result) => {
    const findings = result.Misconfigurations.filter(({ Status }) => Status === 'FAIL').map(
      ({ AVDID, Title, Message, CauseMetadata }) => ({
        name: `${AVDID} (${result.Target}:${CauseMetadata.StartLine ?? 0})`,
        passed: false,
        message: `${Title}: ${Message}`,
      }),
    );
    const folder = { name: `trivy ${result.Target}`, passed: true, message: '' };
    return (result.MisconfSummary?.Successes ?? 0) > 0 ? [folder, ...findings] : findings;
  });
  if (!checks.some(({ passed }) => passed)) throw new Error('trivy checked no folder');
  return [...new Map(checks.map((check) => [check.name, check])).values()];
}

/** Finds trivy's messages about files that it cannot read. It continues without them, and succeeds. */
export function trivyErrors(log: string): readonly Check[] {
  const errors = log.split('\n').filter((line) => /^\S+\s+(ERROR|FATAL)\s/.test(line));
  return [...new Set(errors.map((line) => line.replace(/^\S+\s+/, '')))].map((message) => ({
    name: 'trivy reads every file',
    passed: false,
    message,
  }));
}

/** Finds comments in a Terraform file that make trivy ignore a finding without a reason. */
export function unexplainedIgnores(file: string, text: string): readonly Check[] {
  return text.split('\n').flatMap((line, index) => {
    const [, id] = /trivy:ignore:(\S+)\s*$/.exec(line) ?? [];
    if (id === undefined) return [];
    return [{ name: `${id} (${file}:${index + 1})`, passed: false, message: 'ignored without a reason' }];
  });
}
