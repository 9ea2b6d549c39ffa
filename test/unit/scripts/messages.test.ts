import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from '@cdktn/hcl2json';
import { expect, test } from 'vitest';
import { z } from 'zod';

const repository = path.resolve(import.meta.dirname, '../../..');
const LONGEST = 300;
const namesTheFix =
  /\b(expected|add|choose|enable|give|keep|leave|name fewer|poll more often|renew|set|shorten|write)\b|to correct/i;

/** Reduces a message to its fixed text, without values. */
function fixedText(template: string): string {
  let text = '';
  let depth = 0;
  for (const [index, character] of [...template].entries()) {
    if (depth === 0 && template.startsWith('${', index)) depth = 1;
    else if (depth > 0 && character === '{' && !template.startsWith('${', index - 1)) depth += 1;
    else if (depth > 0 && character === '}') depth -= 1;
    else if (depth === 0) text += character;
  }
  return text;
}

/** Finds every `error_message` of a parsed file. */
function messagesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(messagesIn);
  const block = z.record(z.string(), z.unknown()).safeParse(value);
  if (!block.success) return [];
  return Object.entries(block.data).flatMap(([name, inner]) =>
    name === 'error_message' ? [z.string().parse(inner)] : messagesIn(inner),
  );
}

async function messages(): Promise<readonly (readonly [string, string])[]> {
  const entries = await readdir(path.join(repository, 'modules'), { recursive: true });
  const files = entries.filter((name) => name.endsWith('.tf') && !name.includes('test/'));
  const found = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(path.join(repository, 'modules', name), 'utf8');
      // Mistakes in settings are lines of one Terraform message.
      const lines = [...text.matchAll(/"((?:\\.|[^"\\])*: expected(?:\\.|[^"\\])*)"/g)].map(
        ([, line]) => line,
      );
      const all = [...messagesIn(await parse(name, text)), ...lines.flatMap((line) => line ?? [])];
      return all.map((message) => [name, message] as const);
    }),
  );
  return found.flat();
}

test('every message of the modules has at most 300 characters of fixed text, and names the fix', async () => {
  const all = await messages();

  const wrong = all.filter(([, message]) => {
    const said = fixedText(message);
    // A message that is only a list names the fixes in its items.
    return said.length > LONGEST || (said.length > 30 && !namesTheFix.test(said));
  });
  expect(all.length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});
