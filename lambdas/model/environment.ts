import type { z } from 'zod';
import { InvalidInputError } from './errors.ts';
import { formatIssues } from './issues.ts';

/**
 * Parses a function's environment variables, which Terraform sets.
 * @throws InvalidInputError that names all missing and invalid variables
 */
export function parseEnvironment<T>(
  schema: z.ZodType<T>,
  environment: Readonly<Record<string, string | undefined>>,
): T {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(`environment variables: ${formatIssues(parsed.error)}`, {
    cause: parsed.error,
  });
}
