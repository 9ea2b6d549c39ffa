import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const repository = path.resolve(import.meta.dirname, '../../..');

/** Words with which a comment describes around its subject: a noun or a verb comes to the point. */
const banned = {
  lambdas:
    /^(What|Whether|How|Where|When|Which|Who|Why|After|As|At|By|For|From|In|It|Of|Those|To|Until|With|Without)\b/,
  others: /^(What|Whether|How|Where|When|Which|Who|Why)\b/,
};

async function sources(folder: string): Promise<readonly string[]> {
  const files = await readdir(path.join(repository, folder), { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).map((file) => path.join(folder, file));
}

/** Lists the doc comments of a file, each with its line and its text on one line. */
async function docComments(file: string): Promise<readonly { place: string; text: string }[]> {
  const code = await readFile(path.join(repository, file), 'utf8');
  return [...code.matchAll(/\/\*\*(.*?)\*\//gs)].map(({ index, 1: comment = '' }) => ({
    place: `${file}:${code.slice(0, index).split('\n').length}`,
    text: comment.replaceAll(/\s*\n\s*\*?/g, ' ').trim(),
  }));
}

test.each([
  ['cli', banned.lambdas],
  ['lambdas', banned.lambdas],
  ['test/lab', banned.others],
  ['test/chaos', banned.others],
  ['scripts', banned.others],
  ['demo', banned.others],
])('doc comments in %s begin with a noun or a verb', async (folder, words) => {
  const comments = (await Promise.all((await sources(folder)).map(docComments))).flat();

  expect(comments.length).toBeGreaterThan(20);
  expect(comments.filter(({ text }) => words.test(text))).toEqual([]);
});
