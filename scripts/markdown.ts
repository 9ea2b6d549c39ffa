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
