import { z } from 'zod';

/** A test, or something else that counts as one check. */
export const checkSchema = z.object({
  name: z.string(),
  passed: z.boolean(),
  /** The reason of a failure; empty if it is only in the log. */
  message: z.string().default(''),
});
export type Check = z.infer<typeof checkSchema>;

const vitestSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

/**
 * Parses vitest's JSON report. A test that did not run counts as failed, because no test may be skipped, and a failed set-up skips
 * its tests. A file that failed as a whole (a syntax error, a set-up) counts as an additional failure.
 * @param root the project's folder, which is removed from the names
 * @throws Error if the text is not such a report
 */
export function readVitestReport(text: string, root: string): readonly Check[] {
  return vitestSchema.parse(JSON.parse(text)).testResults.flatMap((file) => {
    const place = file.name.startsWith(root) ? file.name.slice(root.length).replace(/^\//, '') : file.name;
    const checks = file.assertionResults.map(({ fullName, status, failureMessages }) => {
      const ran = status === 'passed' || status === 'failed';
      const message = ran ? (failureMessages?.[0] ?? '') : `did not run (${status})`;
      return { name: `${place}: ${fullName}`, passed: status === 'passed', message };
    });
    if (file.status !== 'failed' || checks.some(({ passed }) => !passed)) return checks;
    return [...checks, { name: place, passed: false, message: file.message }];
  });
}

const terraformTestSchema = z.object({
  '@testfile': z.string().optional(),
  '@testrun': z.string().optional(),
  test_run: z
    .object({ path: z.string(), run: z.string(), progress: z.string(), status: z.string().optional() })
    .optional(),
  diagnostic: z
    .object({ severity: z.string(), summary: z.string(), detail: z.string().optional() })
    .optional(),
});

/**
 * Parses the output of `terraform test -json`: each run of each file is one check. Runs that did not start because of an earlier
 * error count as failed. An error outside of any run counts as one failure.
 * @param module the prefix of the names
 */
export function readTerraformTest(output: string, module: string): readonly Check[] {
  const checks: Check[] = [];
  const errors = new Map<string, string[]>();
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue;
    const { '@testfile': file, '@testrun': name, ...event } = terraformTestSchema.parse(JSON.parse(line));
    const { test_run: run, diagnostic } = event;
    if (diagnostic?.severity === 'error') {
      const place = [file, name].filter(Boolean).join(': ');
      const text = [diagnostic.summary, diagnostic.detail].filter(Boolean).join(': ');
      errors.set(place, [...(errors.get(place) ?? []), text]);
    }
    if (run?.progress === 'complete') {
      const message = run.status === 'skip' ? 'did not run: an earlier run failed' : (run.status ?? '');
      checks.push({ name: `${run.path}: ${run.run}`, passed: run.status === 'pass', message });
    }
  }
  const explained = checks.map((check) => {
    if (check.passed) return { ...check, message: '' };
    return { ...check, message: errors.get(check.name)?.join('\n') ?? check.message };
  });
  const named = new Set(checks.map(({ name }) => name));
  const elsewhere = [...errors].flatMap(([place, texts]) =>
    named.has(place) ? [] : [{ name: place || 'terraform test', passed: false, message: texts.join('\n') }],
  );
  return [...explained, ...elsewhere].map((check) => ({ ...check, name: `${module}/${check.name}` }));
}

const checkovItemSchema = z.object({
  check_id: z.string(),
  check_name: z.string(),
  check_result: z.object({ suppress_comment: z.string().nullish() }),
  resource: z.string(),
  file_path: z.string(),
  file_line_range: z.array(z.number()),
});
const checkovSchema = z.object({
  results: z.object({
    passed_checks: z.array(checkovItemSchema),
    failed_checks: z.array(checkovItemSchema),
    skipped_checks: z.array(checkovItemSchema),
    parsing_errors: z.array(z.string()),
  }),
});

/**
 * Parses checkov's JSON report. A finding that is suppressed with a reason is not a check. A finding that is suppressed without a
 * reason is a failure, and so is a file that checkov cannot parse, because nothing in it was checked.
 * @param root the scanned folder, which is removed from the names
 * @throws Error if the text is not such a report
 */
export function readCheckov(text: string, root: string): readonly Check[] {
  const { results } = checkovSchema.parse(JSON.parse(text));
  const check = (item: z.infer<typeof checkovItemSchema>, message?: string): Check => {
    const place = `${item.file_path.replace(/^\//, '')}:${item.file_line_range[0]}`;
    const name = `${item.check_id} ${item.resource} (${place})`;
    return message === undefined
      ? { name, passed: true, message: '' }
      : { name, passed: false, message: `${item.check_name}${message}` };
  };
  return [
    ...results.passed_checks.map((item) => check(item)),
    ...results.failed_checks.map((item) => check(item, '')),
    ...results.skipped_checks
      .filter(({ check_result }) =>
        /^\s*(No comment provided)?\s*$/.test(check_result.suppress_comment ?? ''),
      )
      .map((item) => check(item, ': suppressed without a reason')),
    ...results.parsing_errors.map((file) => ({
      name: file.startsWith(root) ? file.slice(root.length).replace(/^\//, '') : file,
      passed: false,
      message: 'checkov cannot parse this file, so nothing in it was checked',
    })),
  ];
}

/** Parses the checks that a step wrote itself. */
export function readChecks(text: string): readonly Check[] {
  return z.array(checkSchema).parse(JSON.parse(text));
}
