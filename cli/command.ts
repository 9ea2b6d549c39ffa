import type { Command } from 'commander';
import type { z } from 'zod';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import type { ExitReason } from './exit-codes.ts';

/** The policies that Terraform creates for people. */
export type Policy = 'viewer' | 'operator';

/** Facts about a command: everything that help and documentation need, without its code. */
export interface CommandFacts {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs, each without line breaks. */
  readonly description: readonly string[];
  /** The policy that it needs. */
  readonly policy: Policy;
  readonly examples: readonly { readonly says: string; readonly command: string }[];
  /** Declares arguments and options. */
  configure(command: Command): Command;
  /** Loads the code. */
  load(): Promise<CommandCode>;
}

/** Arguments by name, and options, as commander read them. */
export type Given = Readonly<Record<string, unknown>>;

/** The result of a command. */
export interface CommandResult {
  /** The result that `--json` prints, in the command's schema. */
  readonly value: object;
  /** The result as text for people, without a line break at its end. */
  readonly text: string;
  /** Default: `done`. */
  readonly exit?: ExitReason;
}

export interface CommandCode {
  /** The schema of its output with `--json`. */
  readonly result: z.ZodType;
  run(context: Context, given: Given): Promise<CommandResult>;
}

/**
 * Parses arguments and options.
 * @throws CliError `usage` that lists every problem
 */
export function parseGiven<T>(schema: z.ZodType<T>, given: Given): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => problemOf(issue, given));
  throw new CliError('usage', problems.join('; '), { cause: parsed.error });
}

/** Describes an issue: the option, and the value if it is not one of the valid ones. */
function problemOf(issue: z.core.$ZodIssue, given: Given): string {
  const [option = '', index] = issue.path;
  const all = given[String(option)];
  const value = Array.isArray(all) && typeof index === 'number' ? all[index] : all;
  const message =
    issue.code === 'invalid_value'
      ? `unknown ${String(option)} "${String(value).slice(0, 60)}": expected one of ${issue.values.map(String).join(', ')}`
      : issue.message;
  return option === '' || issue.code === 'invalid_value' ? message : `${String(option)}: ${message}`;
}
