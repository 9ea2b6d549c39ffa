import type { RuleFacts } from '../lambdas/rules/facts.ts';
import type { Permission } from '../lambdas/rules/permission.ts';
import { findPermission, followPermission, startPermissions } from '../lambdas/rules/runbook.ts';
import { code, table } from './markdown.ts';

/** Converts a placeholder to a readable form: `${account}` to `<account>`. */
const readable = (text: string): string => text.replaceAll(/\$\{(\w+)\}/g, '<$1>');

function rowsFor(use: string, permissions: readonly Permission[]): string[][] {
  return permissions.map(({ actions, resources, conditions = {} }) => [
    use,
    actions.map(code).join(', '),
    resources.map((resource) => code(readable(resource))).join(', '),
    Object.entries(conditions)
      .flatMap(([operator, keys]) =>
        Object.entries(keys).map(
          ([key, expected]) =>
            `${code(key)} ${operator} ${expected.map((value) => code(readable(value))).join(', ')}`,
        ),
      )
      .join('; '),
  ]);
}

/**
 * Formats the table of a rule's permissions and their purposes.
 * @param head the header of the column with the purposes
 */
export function permissionTable(
  head: string,
  { permissions, runbook }: Pick<RuleFacts, 'permissions' | 'runbook'>,
): string {
  return table(
    [head, 'actions', 'resources', 'condition'],
    [
      ...rowsFor('reading', permissions.read),
      ...rowsFor('fixing', permissions.write),
      ...rowsFor('undo', permissions.undo),
      ...(runbook === undefined
        ? []
        : [
            ...rowsFor('following the runbook', [followPermission(runbook), findPermission]),
            ...rowsFor('starting the runbook', startPermissions(runbook)),
            ...rowsFor('the runbook, in its own role', runbook.permissions),
          ]),
    ],
  );
}
