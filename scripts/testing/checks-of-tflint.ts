import path from 'node:path';
import { z } from 'zod';
import type { Check } from './checks.ts';

const rangeSchema = z.object({ filename: z.string(), start: z.object({ line: z.number() }) });
const tflintSchema = z.object({
  issues: z.array(
    z.object({ rule: z.object({ name: z.string() }), message: z.string(), range: rangeSchema }),
  ),
  errors: z.array(
    z.object({ summary: z.string().default(''), message: z.string(), range: rangeSchema.optional() }),
  ),
});

/**
 * Parses tflint's JSON report: each folder without an issue is a passed check, each issue and each error a failed one.
 * @param folders the folders that tflint had to check
 * @throws Error if the text is not such a report
 */
export function readTflint(text: string, folders: readonly string[]): readonly Check[] {
  const { issues, errors } = tflintSchema.parse(JSON.parse(text));
  const failed = [
    ...issues.map(({ rule, message, range }) => ({ what: rule.name, message, range })),
    ...errors.map(({ summary, message, range }) => ({
      what: 'tflint',
      message: `${summary}: ${message}`,
      range,
    })),
  ].map(({ what, message, range }) => ({
    name: range === undefined ? what : `${what} (${range.filename}:${range.start.line})`,
    passed: false,
    message,
  }));
  const places = new Set([...issues, ...errors].map(({ range }) => path.dirname(range?.filename ?? '.')));
  const clean = folders.filter((folder) => !places.has(folder));
  return [...clean.map((folder) => ({ name: `tflint ${folder}`, passed: true, message: '' })), ...failed];
}
