/** Formats a text as code. */
export const code = (text: string): string => `\`${text}\``;
/** Escapes the text of a table cell, which a bar would end. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Formats a table. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map(cell).join(' | ')} |`)
    .join('\n');
}
