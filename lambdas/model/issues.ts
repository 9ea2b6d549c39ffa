import type { z } from 'zod';

/** Formats the issues that a schema found, on one line: `account_id: expected string, received number; status: …`. */
export function formatIssues(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const path = issue.path.map(String).join('.');
      return path === '' ? issue.message : `${path}: ${issue.message}`;
    })
    .join('; ');
}
