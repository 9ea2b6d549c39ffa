import type { Permission } from '../lambdas/rules/permission.ts';

/** Formats a text as code. */
export const code = (text: string): string => `\`${text}\``;
/** A table's cell: a bar would end it. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Makes a table. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(cell).join(' | ')} |`)
    .join('\n');
}

/** A placeholder as a reader knows it: `${account}` -> `<account>`. */
const readable = (text: string): string => text.replaceAll(/\$\{(\w+)\}/g, '<$1>');

/** Lists permissions as rows of a table: for what, actions, resources, condition. */
export function permissionRows(use: string, permissions: readonly Permission[]): string[][] {
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
