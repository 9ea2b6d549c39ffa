import { RE2JS } from 're2js';
import { z } from 'zod';
import type { CustomRule } from '../../model/custom-rule.ts';
import { SettingsError } from '../../model/errors.ts';
import type { RuleFacts } from '../facts.ts';
import { isArn, namesArn } from './placeholders.ts';
import { customRunbook, undoPermissions } from './runbook.ts';

/** Pattern of safe resource ids, without white space or characters that are special in ARNs, patterns or queries. */
const SAFE = /^[^\s*?$"'<>&;%{}\\`\p{C}]+$/u;

/**
 * Compiles a pattern of resource ids with RE2, as Terraform does: it means the same to both, and no pattern takes more
 * time than in proportion to the id. JavaScript's own matcher can take exponential time, for example for `(a+)+`.
 * @throws SettingsError if RE2 does not accept it
 */
function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    const message = `resource_id_pattern: expected a regular expression in the syntax of RE2, got ${pattern.slice(0, 200)}`;
    throw new SettingsError(message, { cause });
  }
}

function resourceIdOf({ resource_id_pattern, desired_state, runbook }: CustomRule): z.ZodType<string> {
  const pattern = resource_id_pattern === undefined ? undefined : compile(resource_id_pattern);
  const documents =
    runbook === undefined ? [] : [runbook, ...(runbook.undo === undefined ? [] : [runbook.undo])];
  const texts = [
    ...(desired_state === undefined ? [] : [desired_state.identifier]),
    ...documents.flatMap(({ document, parameters }) => [document, ...Object.values(parameters).flat()]),
  ];
  const { resource_arn = '' } = runbook ?? {};
  const wantsArn = [...texts, resource_arn].some(namesArn) || resource_arn === '{{resource}}';
  return z
    .string()
    .max(1024)
    .regex(SAFE, 'expected an id without white space, wildcards, quotes and braces')
    .refine((id) => pattern?.matches(id) ?? true, `expected an id that matches ${resource_id_pattern}`)
    .refine((id) => !wantsArn || isArn(id), 'expected an ARN');
}

/**
 * Creates the facts of a custom rule. The collector uses them, too, so this file contains no code for AWS.
 * @throws SettingsError if its pattern is invalid
 */
export function customFacts(id: string, definition: CustomRule): RuleFacts {
  const { title, scope, severity, permissions, risk, desired_state, runbook } = definition;
  return {
    id,
    title,
    legacyId: id,
    resourceType: desired_state?.resource_type ?? '',
    scope,
    severity,
    resourceId: resourceIdOf(definition),
    options: z.strictObject({}),
    permissions: {
      read: permissions.read,
      write: permissions.write,
      undo: [...permissions.undo, ...(runbook === undefined ? [] : undoPermissions(runbook))],
    },
    ...(runbook !== undefined && { runbook: customRunbook(runbook, permissions.automation) }),
    documentation: { control: '', finds: title, changes: risk, neverTouches: '', undo: '' },
  };
}
